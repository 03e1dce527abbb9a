package migrate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/certs"
)

// tlsOptions takes over one of tls.options. Whoever asks for what cannot be taken
// over is left out in the end; see [migration.finish].
func (m *migration) tlsOptions(t *tree, name string) {
	at := "tls.options." + name
	o := config.TLSOptions{
		Name: name, MinVersion: t.text(at + ".minVersion"), MaxVersion: t.text(at + ".maxVersion"),
		Ciphers: t.list(at + ".cipherSuites"), Curves: t.list(at + ".curvePreferences"), ALPN: t.list(at + ".alpnProtocols"),
		ClientAuth: config.ClientAuth{Type: t.text(at + ".clientAuth.clientAuthType"), CAFiles: t.list(at + ".clientAuth.caFiles")},
		SNIStrict:  t.is(at + ".sniStrict"),
	}
	// Suites of TLS 1.3 may stand in the list there, and are always allowed.
	if o.Ciphers = slices.DeleteFunc(o.Ciphers, isSuiteOf13); len(o.Ciphers) == 0 {
		o.Ciphers = nil
	}
	if t.is(at + ".disableSessionTickets") {
		o.SessionTickets = config.Some(false)
	}
	t.take(at + ".preferServerCipherSuites") // without effect there as well
	o.Origin = t.origin(at)
	err := t.nothingLeft(at)
	if err == nil {
		_, err = o.Options()
	}
	if err != nil {
		m.note(t, at, fmt.Sprintf("the TLS options %s are left out, and what asks for them: %v", name, err))
		t.take(at)
		return
	}
	m.comment("lb.tls_options."+name, "%s", m.origin(t, at))
	m.LB.TLSOptions = append(m.LB.TLSOptions, o)
}

// isSuiteOf13 tells by its name whether a cipher suite is of TLS 1.3.
func isSuiteOf13(name string) bool {
	return strings.HasPrefix(name, "TLS_AES_") || name == "TLS_CHACHA20_POLY1305_SHA256"
}

// clientAuthority1 makes TLS options of the authorities an entry point of Traefik 1
// has for clients, and names them for the listener.
func (m *migration) clientAuthority1(t *tree, at, name string, text *string) {
	ca := at + ".tls.clientCA"
	files := append(t.list(ca+".files"), t.list(ca+"Files")...)
	if len(files) == 0 {
		return
	}
	o := config.TLSOptions{Name: name, ClientAuth: config.ClientAuth{CAFiles: files}}
	if t.is(ca + ".optional") {
		o.ClientAuth.Type = "VerifyClientCertIfGiven"
	}
	m.comment("lb.tls_options."+name, "%s", m.origin(t, at+".tls"))
	m.LB.TLSOptions = append(m.LB.TLSOptions, o)
	*text += ";tlsoptions=" + name
}

// fileName is the name of something the files declare, without what says so.
func fileName(name string) string { return strings.TrimSuffix(name, "@file") }

// finishTLS leaves out listeners and routes that ask for TLS options which no file
// has: without them they would be open to more clients.
func (m *migration) finishTLS() {
	missing := func(name string) bool {
		return name != "" && !strings.EqualFold(name, certs.DefaultTLSOptions) &&
			!slices.ContainsFunc(m.LB.TLSOptions, func(o config.TLSOptions) bool { return strings.EqualFold(o.Name, name) })
	}
	m.keepListeners(func(l config.Listener) (reason string) {
		if name := l.Option("tlsoptions"); missing(name) {
			return "no file here has the tls.options " + name
		}
		return ""
	})
	m.Routes = slices.DeleteFunc(m.Routes, func(r config.StaticRoute) bool {
		if missing(r.TLSOptions) {
			m.notes = append(m.notes, note{path: r.Origin, text: "route " + r.Name + " is left out: no file here has the tls.options " + r.TLSOptions})
		}
		return missing(r.TLSOptions)
	})
}

// finishRedirects leaves out listeners that redirect to one that is left out:
// without, they would serve.
func (m *migration) finishRedirects() {
	names := map[string]bool{}
	for _, l := range m.LB.Listeners {
		names[l.Option("name")] = true
	}
	m.keepListeners(func(l config.Listener) (reason string) {
		if to := l.Option("redirect"); to != "" && to[0] != ':' && !names[to] {
			return "it redirects to " + to + ", which is left out"
		}
		return ""
	})
}

// keepListeners leaves out those for which there is a reason.
func (m *migration) keepListeners(reason func(l config.Listener) string) {
	var left []config.Listener
	for i, l := range m.LB.Listeners {
		comment := m.comments[listenerPath(i)]
		delete(m.comments, listenerPath(i))
		if text := reason(l); text != "" {
			m.notes = append(m.notes, note{path: l.Origin, text: "the listener is left out: " + text})
			continue
		}
		m.comments[listenerPath(len(left))] = comment
		left = append(left, l)
	}
	m.LB.Listeners = left
}

// listenerNamed is the listener of that name, nil if there is none.
func (m *migration) listenerNamed(name string) *config.Listener {
	i := slices.IndexFunc(m.LB.Listeners, func(l config.Listener) bool { return l.Option("name") == name })
	if i < 0 {
		return nil
	}
	return &m.LB.Listeners[i]
}

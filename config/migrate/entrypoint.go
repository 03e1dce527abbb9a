package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// An entry point of Traefik 2 and 3 takes requests, connections and TLS on one
// port, as routers ask for. A listener here is for one of them.

// speaksTLS reports whether an entry point is to be one with certificates: it
// says so, or a router of the file, or the port or the name that it goes by.
func (m *migration) speaksTLS(t *tree, name, address string) bool {
	at := "entryPoints." + name
	if t.has(at+".http.tls") || strings.HasSuffix(address, ":443") {
		return true
	}
	for _, router := range t.names("http.routers") {
		router = "http.routers." + router
		if t.has(router+".tls") && slices.Contains(t.untaken(router+".entryPoints"), name) {
			return true
		}
	}
	if strings.HasSuffix(address, "443") || name == "https" || name == "websecure" {
		m.note(t, at, at+" does not say what it is for; by its name or port it is taken for TLS")
		return true
	}
	return false
}

// speaksTCP reports whether an entry point is for connections: routers of the
// file say so, or its name.
func (m *migration) speaksTCP(t *tree, name string) bool {
	for _, router := range t.names("tcp.routers") {
		if slices.Contains(t.untaken("tcp.routers."+router+".entryPoints"), name) {
			return true
		}
	}
	if !strings.Contains(strings.ToLower(name), "tcp") {
		return false
	}
	at := "entryPoints." + name
	m.note(t, at, at+" does not say what it is for; by its name it is taken for TCP")
	return true
}

// datagrams takes over an entry point of UDP.
func (m *migration) datagrams(t *tree, at, text string) {
	text += ";proto=" + listener.ProtoUDP
	if d := t.duration(at + ".udp.timeout"); d > 0 {
		text += fmt.Sprintf(";it=%v", d)
	}
	m.listener(t, at, text)
}

// http3 takes over HTTP/3, where there can be any.
func (m *migration) http3(t *tree, at string, text *string) {
	at += ".http3"
	port := t.text(at + ".advertisedPort")
	switch {
	case !t.has(at) || t.text(at) == "false":
	case !strings.Contains(*text, ";cs="):
		m.note(t, at, at+" is left out: there is no HTTP/3 without TLS, which the listener does not have")
	case strings.Contains(*text, ";pxyproto="):
		m.note(t, at, at+" is left out: QUIC has no PROXY protocol, so every client would be the proxy before it")
	default:
		if *text += ";http3=true"; port != "" {
			*text += ";http3port=" + port
		}
	}
}

// redirection tells of what redirects to a listener do not have: they are permanent,
// to HTTPS, and come before all routes.
func (m *migration) redirection(t *tree, at string) {
	for key, usual := range map[string]string{"permanent": "true", "scheme": "https", "priority": ""} {
		if value := t.text(hcl.Join(at, key)); value != "" && value != usual {
			m.note(t, hcl.Join(at, key), hcl.Join(at, key)+" is left out: redirects of a listener are permanent, to HTTPS, and come before all routes")
		}
	}
}

// bounds takes over limits and timeouts. What holds for all listeners here is
// the most any entry point has.
func (m *migration) bounds(t *tree, at string, text *string) {
	for _, limit := range []struct{ key, option string }{
		{"http.maxHeaderBytes", "maxheader"}, {"transport.keepAliveMaxRequests", "maxrequests"},
	} {
		if value := t.text(hcl.Join(at, limit.key)); value != "" && value != "0" {
			*text += ";" + limit.option + "=" + value
		}
	}
	if d := t.duration(at + ".transport.keepAliveMaxTime"); d > 0 {
		*text += fmt.Sprintf(";maxage=%v", d)
	}
	if word := t.traced(at); word == "off" || word == "detailed" {
		*text += ";tracing=" + word
	}
	m.drain = max(m.drain, t.duration(at+".transport.lifeCycle.graceTimeOut"))
	m.LB.DrainDelay = max(m.LB.DrainDelay, t.duration(at+".transport.lifeCycle.requestAcceptGraceTimeout"))
	m.LB.UnderscoreHeaders = cmp.Or(t.text(at+".http.underscoreHeadersStrategy"), m.LB.UnderscoreHeaders)
	if t.is(at + ".forwardedHeaders.notAppendXForwardedFor") {
		m.LB.Forwarding.Append = config.Some(false)
	}
	for _, character := range t.names(at + ".http.encodedCharacters") {
		key := at + ".http.encodedCharacters." + character
		name := encodedCharacter(character)
		if _, known := lb.EncodedCharacters[name]; !known {
			continue // as is told
		}
		if t.text(key) == "false" && !slices.Contains(m.LB.RejectEncoded, name) {
			m.LB.RejectEncoded = append(m.LB.RejectEncoded, name)
		}
	}
	t.usual(at, "http.encodedCharacters.allowEncodedNullCharacter=false", "http.sanitizePath=true", "http.encodeQuerySemicolons=false",
		"reusePort=false", "allowACMEByPass=false")
}

// encodedCharacter is our name of what Traefik calls allowEncodedQuestionMark.
func encodedCharacter(key string) string {
	name, _ := cutPrefixFold(key, "allowEncoded")
	if strings.EqualFold(name, "questionMark") {
		return "question_mark"
	}
	return strings.ToLower(name)
}

// transport takes over how all servers are reached.
func (m *migration) transport(t *tree) {
	const at = "serversTransport."
	for key, into := range map[string]*time.Duration{
		"dialTimeout": &m.LB.Timeouts.Dial, "responseHeaderTimeout": &m.LB.Timeouts.Response, "idleConnTimeout": &m.LB.Timeouts.UpstreamIdle,
	} {
		if d := t.duration(at + "forwardingTimeouts." + key); d > 0 {
			*into = d
			m.comment("lb.timeouts", "%s", m.origin(t, at+"forwardingTimeouts."+key))
		}
	}
	m.idlePerTarget(t, at+"maxIdleConnsPerHost")
	m.ofAllServers(t, "serversTransport")
	if t.has("tcpServersTransport") {
		m.tcpServersTransport(t, "tcpServersTransport", allServers)
	}
}

func (m *migration) idlePerTarget(t *tree, at string) {
	if value := t.text(at); value != "" && config.Assign(&m.LB.Limits.IdlePerTarget, value) == nil {
		m.comment("lb.limits.idle_per_target", "%s", m.origin(t, at))
	}
}

// secureRoutes tells of routes for TLS whose listeners have none.
func (m *migration) secureRoutes() {
	for _, r := range m.Routes {
		for _, name := range r.Entrypoints {
			if l := m.listenerNamed(name); r.TLS && l != nil && l.Option("cs") == "" {
				m.notes = append(m.notes, note{path: r.Origin, text: "route " + r.Name + " is for TLS, and the listener " + name + " has no certificates: give it certificates = \"" + migrated + "\""})
			}
		}
	}
}

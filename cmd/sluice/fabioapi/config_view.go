package fabioapi

import (
	"cmp"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/internal/redact"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// setting is where Fabio's API shows a property, and its default.
type setting struct {
	path, key string
	standard  any // of the type that it is shown in
}

// viewConfig is what sluice was told as Fabio, in the form of Fabio's API, but
// for secrets.
func viewConfig(c config.Config) any {
	all := map[string]any{}
	for _, s := range settingsShown() {
		put(all, s.path, s.value(c.FabioUI.Given))
	}
	scheme, address, ok := strings.Cut(cmp.Or(c.FabioUI.Given["registry.consul.addr"], "localhost:8500"), "://")
	if !ok {
		scheme, address = "http", scheme
	}
	put(all, "Registry.Consul.Addr", address)
	put(all, "Registry.Consul.Scheme", scheme)
	put(all, "Registry.Consul.ServiceAddr", cmp.Or(c.Fabio.Register.Address, c.FabioUI.Listen))
	put(all, "Registry.Consul.CheckScheme", map[bool]string{false: "http", true: "https"}[c.Admin.Certificates != ""])
	put(all, "Proxy.AuthSchemes", viewAuth(c.LB.Auth))
	put(all, "UI.Listen", viewListener(cmp.Or(c.FabioUI.Given["ui.addr"], c.FabioUI.Listen), c))
	listeners := []any{}
	for _, text := range fabio.SplitQuoted(cmp.Or(c.FabioUI.Given["proxy.addr"], ":9999")) {
		listeners = append(listeners, viewListener(text, c))
	}
	all["Listen"] = listeners
	return all
}

// put puts a value at a path of names with dots in between.
func put(in map[string]any, path string, value any) {
	name, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		in[name] = value
		return
	}
	inner, ok := in[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		in[name] = inner
	}
	put(inner, rest, value)
}

// value is the property as it was given, which was understood when it was read.
func (s setting) value(given map[string]string) any {
	text, ok := given[s.key]
	if !ok {
		return s.standard
	}
	var err error
	switch standard := s.standard.(type) {
	case bool:
		err = config.Assign(&standard, text)
		return orText(standard, text, err)
	case int:
		err = config.Assign(&standard, text)
		return orText(standard, text, err)
	case time.Duration:
		err = config.Assign(&standard, text)
		return orText(standard, text, err)
	case []string:
		var list []string
		for word := range strings.SplitSeq(text, ",") {
			if word = strings.TrimSpace(word); word != "" {
				list = append(list, word)
			}
		}
		return list
	case secretSetting:
		if text != "" {
			return redact.Word
		}
	}
	return text
}

// orText is for what has no effect, and was therefore never read.
func orText(value any, text string, err error) any {
	if err != nil {
		return text
	}
	return value
}

// secretSetting is shown as empty, or as there.
type secretSetting string

func viewAuth(all []config.LBAuth) any {
	shown := map[string]any{}
	for _, a := range all {
		shown[a.Name] = map[string]any{
			"Name": a.Name, "Type": a.Type,
			"Basic": map[string]any{"Realm": cmp.Or(a.Realm, a.Name), "File": a.File, "Refresh": a.Refresh},
		}
	}
	return shown
}

func viewListener(text string, c config.Config) any {
	l, err := listener.Parse(text)
	if err != nil {
		address, _, _ := strings.Cut(text, ";")
		return map[string]any{"Addr": address}
	}
	return map[string]any{
		"Addr": l.Address, "Proto": l.Proto, "CertSource": viewFabioCertificates(l.CertSource, c),
		"ReadTimeout": l.ReadTimeout, "WriteTimeout": l.WriteTimeout, "IdleTimeout": l.IdleTimeout,
		"ProxyHeaderTimeout": l.ProxyTimeout, "ProxyProto": l.Proxied != listener.ProxyNone, "Refresh": l.Refresh,
		"TLSMinVersion": l.TLSMin, "TLSMaxVersion": l.TLSMax, "TLSCiphers": l.TLSCiphers, "StrictMatch": l.StrictSNI,
	}
}

// viewFabioCertificates is the source of that name, without what a URL or its
// header says of who is asking.
func viewFabioCertificates(name string, c config.Config) any {
	var s certs.Source
	for _, each := range c.LB.Certificates {
		if source, err := each.Source(); err == nil && source.Name == name && name != "" {
			s = source
		}
	}
	var header map[string][]string
	for field := range s.Header {
		if header == nil {
			header = map[string][]string{}
		}
		header[field] = []string{redact.Word}
	}
	return map[string]any{
		"Name": s.Name, "Type": s.Type, "CertPath": redact.URL(s.Cert), "KeyPath": redact.URL(s.Key), "ClientCAPath": redact.URL(s.ClientCA),
		"CAUpgradeCN": s.UpgradeCN, "VaultFetchToken": s.VaultToken, "Refresh": s.Refresh, "Header": header,
	}
}

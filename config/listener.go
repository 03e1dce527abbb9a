package config

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// Listener is an address the load balancer listens on, in the notation that
// package lb reads: ADDR[;key=value…]. A file may also give it as a stanza with
// the address and the keys.
type Listener struct {
	// Origin is where it was asked for: file:line:column or the flag.
	Origin string
	Text   string // empty: it was wrong
}

// SetDefaults implements [hcl.Defaulted].
func (l *Listener) SetDefaults(at hcl.Position) { l.Origin = at.String() }

// Expects implements [hcl.Expecting].
func (*Listener) Expects() string { return `"ADDR[;key=value…]" or a stanza` }

// UnmarshalText takes the notation as it is: whether it makes sense is for
// package lb to say.
func (l *Listener) UnmarshalText(text []byte) error {
	l.Text = string(text)
	if l.Text == "" {
		return errNoAddress
	}
	return nil
}

var errNoAddress = errors.New("address is missing")

// listenerSpelling has the longer names that keys of the notation have in
// stanzas; others are the same.
var listenerSpelling = map[string]string{
	"certificates":               "cs",
	"cert_resolver":              "certresolver",
	"client_ca":                  "clientca",
	"strict_sni":                 "strictmatch",
	"strict_sni_host":            "snihost",
	"tls_min":                    "tlsmin",
	"tls_max":                    "tlsmax",
	"tls_ciphers":                "tlsciphers",
	"tls_options":                "tlsoptions",
	"header_timeout":             "ht",
	"read_timeout":               "rt",
	"write_timeout":              "wt",
	"idle_timeout":               "it",
	"max_connections":            "maxconn",
	"max_connections_per_client": "maxconnperip",
	"max_header_bytes":           "maxheader",
	"max_header_fields":          "maxfields",
	"max_body_bytes":             "maxbody",
	"max_requests":               "maxrequests",
	"max_age":                    "maxage",
	"http3_port":                 "http3port",
	"redirect_to":                "redirect",
}

// listenerKeys are the keys of a stanza: the longer names first, for suggestions.
var listenerKeys = slices.Concat([]string{"address", "proxy_protocol"}, slices.Sorted(maps.Keys(listenerSpelling)), listener.Keys())

// UnmarshalObject writes a stanza in the notation.
func (l *Listener) UnmarshalObject(o hcl.Object) error {
	var address, options string
	var unknown error // the first; what is known is looked at all the same
	for _, m := range o {
		key := strings.ToLower(m.Key)
		if !slices.Contains(listenerKeys, key) {
			hint := nearest.Hint(m.Key, "", slices.Values(listenerKeys))
			unknown = cmp.Or[error](unknown, &hcl.Fault{Pos: m.Pos, Text: fmt.Sprintf("unknown key %q%s", m.Key, hint)})
			continue
		}
		if stanza, ok := m.Value.Value.(hcl.Object); ok && key == "proxy_protocol" {
			more, err := proxyProtocol(stanza)
			if err != nil {
				return err
			}
			options += more
			continue
		}
		value, err := notationValue(key, m.Value)
		_, isText := m.Value.Value.(string)
		switch {
		case err != nil:
			return err
		case key == "address" && !isText:
			return fmt.Errorf("address must be a string, not %s", m.Value.Describe())
		case key == "address":
			address = value
		default:
			options += ";" + cmp.Or(listenerSpelling[key], key) + "=" + value
		}
	}
	if address == "" {
		return cmp.Or(unknown, errNoAddress)
	}
	l.Text = address + options
	return unknown
}

// Stanza implements [hcl.Written].
func (l Listener) Stanza() (labels []string, body any) {
	address, options, _ := strings.Cut(l.Text, ";")
	settings := hcl.Object{{Key: "address", Value: hcl.Node{Value: address}}}
	for option := range strings.SplitSeq(options, ";") {
		if key, value, ok := strings.Cut(option, "="); ok {
			settings = append(settings, hcl.Member{Key: spelledOut(strings.TrimSpace(key)), Value: hcl.Node{Value: value}})
		}
	}
	return nil, settings
}

// spelledOut is the longer name of a key.
func spelledOut(key string) string {
	for long, short := range listenerSpelling {
		if short == key {
			return long
		}
	}
	return key
}

// proxyProtocol writes the stanza of that name in the notation.
func proxyProtocol(o hcl.Object) (options string, err error) {
	mode := "true"
	for _, m := range o {
		key := strings.ToLower(m.Key)
		value, err := notationValue("proxy_protocol."+key, m.Value)
		switch {
		case err != nil:
			return "", err
		case key == "trusted":
			options += ";pxyfrom=" + value
		case key == "timeout":
			options += ";pxytimeout=" + value
		case key == "required" && value == "true":
			mode = "required"
		case key == "required" && value == "false":
		default:
			return "", fmt.Errorf("proxy_protocol knows trusted = [CIDR…], required = true or false and timeout, not %s = %s", key, value)
		}
	}
	return ";pxyproto=" + mode + options, nil
}

// notationValue is the value of a key as the notation has it.
func notationValue(key string, n hcl.Node) (string, error) {
	var text string
	switch value := n.Value.(type) {
	case string:
		text = value
	case bool:
		text = strconv.FormatBool(value)
	case int64:
		text = strconv.FormatInt(value, 10)
	case []hcl.Node:
		var parts []string
		for _, part := range value {
			s, ok := part.Value.(string)
			if !ok {
				return "", fmt.Errorf("%s must hold strings, not %s", key, part.Describe())
			}
			parts = append(parts, s)
		}
		text = strings.Join(parts, ",")
	default:
		return "", fmt.Errorf("%s must be a string, not %s", key, n.Describe())
	}
	if strings.Contains(text, ";") {
		return "", fmt.Errorf("%s cannot hold a semicolon", key)
	}
	return text, nil
}

// Option is the value of a key of the notation, empty without it.
func (l Listener) Option(key string) string {
	_, rest, _ := strings.Cut(l.Text, ";"+key+"=")
	value, _, _ := strings.Cut(rest, ";")
	return value
}

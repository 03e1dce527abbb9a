package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// Listener is an address the load balancer listens on, in the notation that
// package lb reads: ADDR[;key=value…]. A file may also give it as a stanza with
// the address and the keys.
type Listener struct {
	// Origin is where it was asked for: file:line:column or the flag.
	Origin string
	Text   string
}

func (l *Listener) setDefaults(at position) { l.Origin = at.String() }

func (*Listener) expects() string { return `"ADDR[;key=value…]" or a stanza` }

// UnmarshalText takes the notation as it is: whether it makes sense is for
// package lb to say.
func (l *Listener) UnmarshalText(text []byte) error {
	l.Text = string(text)
	return nil
}

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
	"redirect_to":                "redirect",
}

// unmarshalObject writes a stanza in the notation.
func (l *Listener) unmarshalObject(o object) error {
	var address, options string
	for _, m := range o {
		key := strings.ToLower(m.key)
		if stanza, ok := m.value.value.(object); ok && key == "proxy_protocol" {
			more, err := proxyProtocol(stanza)
			if err != nil {
				return err
			}
			options += more
			continue
		}
		value, err := notationValue(key, m.value)
		_, isText := m.value.value.(string)
		switch {
		case err != nil:
			return err
		case key == "address" && !isText:
			return fmt.Errorf("address must be a string, not %s", m.value.describe())
		case key == "address":
			address = value
		default:
			options += ";" + cmp.Or(listenerSpelling[key], key) + "=" + value
		}
	}
	if address == "" {
		return fmt.Errorf("address is missing")
	}
	l.Text = address + options
	return nil
}

// proxyProtocol writes the stanza of that name in the notation.
func proxyProtocol(o object) (options string, err error) {
	mode := "true"
	for _, m := range o {
		key := strings.ToLower(m.key)
		value, err := notationValue("proxy_protocol."+key, m.value)
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
func notationValue(key string, n node) (string, error) {
	var text string
	switch value := n.value.(type) {
	case string:
		text = value
	case bool:
		text = strconv.FormatBool(value)
	case int64:
		text = strconv.FormatInt(value, 10)
	case []node:
		var parts []string
		for _, part := range value {
			s, ok := part.value.(string)
			if !ok {
				return "", fmt.Errorf("%s must hold strings, not %s", key, part.describe())
			}
			parts = append(parts, s)
		}
		text = strings.Join(parts, ",")
	default:
		return "", fmt.Errorf("%s must be a string, not %s", key, n.describe())
	}
	if strings.Contains(text, ";") {
		return "", fmt.Errorf("%s cannot hold a semicolon", key)
	}
	return text, nil
}

package main

import (
	"fmt"
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

// unmarshalObject writes a stanza in the notation.
func (l *Listener) unmarshalObject(o object) error {
	var address, options string
	for _, m := range o {
		key := strings.ToLower(m.key)
		value, ok := m.value.value.(string)
		switch {
		case !ok:
			return fmt.Errorf("%s must be a string, not %s", key, m.value.describe())
		case strings.Contains(value, ";"):
			return fmt.Errorf("%s cannot hold a semicolon", key)
		case key == "address":
			address = value
		default:
			options += ";" + key + "=" + value
		}
	}
	if address == "" {
		return fmt.Errorf("address is missing")
	}
	l.Text = address + options
	return nil
}

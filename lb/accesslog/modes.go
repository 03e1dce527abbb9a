package accesslog

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Modes say what becomes of the values a line could show, by name: they are
// kept, dropped, or shown as REDACTED. What no list names has the default.
type Modes struct {
	// Default is "keep", "drop" or "redact"; empty is the default of whatever the
	// modes are for.
	Default            string
	Keep, Drop, Redact []string
}

type mode uint8

const (
	keep mode = iota
	drop
	redact
)

const redacted = "REDACTED"

var modeNames = []string{keep: "keep", drop: "drop", redact: "redact"}

// modeSet is [Modes] in a form that is quick to ask.
type modeSet struct {
	byDefault mode
	named     []namedMode
}

type namedMode struct {
	name string
	mode mode
}

// compile checks modes; what names them for messages.
func (m Modes) compile(what string, byDefault mode) (modeSet, error) {
	set := modeSet{byDefault: byDefault}
	if m.Default != "" {
		i := slices.Index(modeNames, m.Default)
		if i < 0 {
			return set, fmt.Errorf("%s: %q is none of %s%s", what, m.Default, strings.Join(modeNames, ", "),
				nearest.Hint(m.Default, "", slices.Values(modeNames)))
		}
		set.byDefault = mode(i)
	}
	for i, names := range [][]string{keep: m.Keep, drop: m.Drop, redact: m.Redact} {
		for _, name := range names {
			if _, known := set.explicit(name); known {
				return set, fmt.Errorf("%s: %q is listed twice", what, name)
			}
			set.named = append(set.named, namedMode{name, mode(i)})
		}
	}
	return set, nil
}

// only checks that all names are known.
func (s modeSet) only(what string, known iter.Seq[string]) error {
	names := slices.Collect(known)
	for _, n := range s.named {
		if !slices.ContainsFunc(names, func(k string) bool { return strings.EqualFold(k, n.name) }) {
			return fmt.Errorf("%s: there is no field %q%s", what, n.name, nearest.Hint(n.name, "", slices.Values(names)))
		}
	}
	return nil
}

// of is the mode of a name.
func (s modeSet) of(name string) mode {
	if m, ok := s.explicit(name); ok {
		return m
	}
	return s.byDefault
}

// explicit is the mode a list gives to a name, in any case.
func (s modeSet) explicit(name string) (mode, bool) {
	for _, n := range s.named {
		if len(n.name) == len(name) && strings.EqualFold(n.name, name) {
			return n.mode, true
		}
	}
	return 0, false
}

// ofHeader is the mode of a header field. One that may hold a secret is never
// kept unless it is named.
func (s modeSet) ofHeader(name string) mode {
	m, ok := s.explicit(name)
	if !ok {
		m = s.byDefault
		if m == keep && isSensitive(name) {
			m = redact
		}
	}
	return m
}

// shown is the mode of a header field which the format itself names: only lists
// can hide it, but a secret needs more than a format.
func (s modeSet) shown(name string) mode {
	m, ok := s.explicit(name)
	if !ok && isSensitive(name) {
		return redact
	}
	return m // keep, if no list has it
}

// sensitive are parts of the names of header fields that hold secrets.
var sensitive = []string{"authorization", "cookie", "token", "secret", "passw", "api-key", "apikey", "credential", "session"}

func isSensitive(name string) bool {
	return slices.ContainsFunc(sensitive, func(part string) bool { return containsFold(name, part) })
}

// containsFold is strings.Contains without regard to the case of s, and without
// an allocation.
func containsFold(s, part string) bool {
	for i := 0; i+len(part) <= len(s); i++ {
		if strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}

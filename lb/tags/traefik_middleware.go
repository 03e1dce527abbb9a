package tags

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// middleware is one that the tags of an instance declare.
type middleware struct {
	name  string
	kind  string
	draft *spec.Draft
	spec  spec.Middleware // once all labels are read
	// broken is why it cannot be used, and by is the tag that says so.
	broken string
	by     label
}

// set reads an option: the words of a key from the kind on.
func (m *middleware) set(words []string, l label) *keyError {
	kind := strings.ToLower(words[0])
	if m.kind != "" && m.kind != kind {
		m.broken, m.by = fmt.Sprintf("one name is used for two kinds of middleware, %s and %s", m.kind, kind), l
		return nil
	}
	m.kind = kind
	switch {
	case kind == "plugin":
		m.broken, m.by = "plugins of Traefik cannot run here", l
		return nil
	case m.draft == nil:
		draft, ok := spec.NewDraft(kind)
		if !ok {
			return &keyError{label: l, reason: "there is no kind of middleware " + kind}
		}
		m.draft = draft
	}
	err := m.draft.Set(words[1:], l.value)
	if errors.Is(err, spec.ErrUnknown) {
		return &keyError{label: l, reason: fmt.Sprintf("middlewares of kind %s have no option %q", kind, strings.Join(words[1:], "."))}
	}
	if err != nil {
		return &keyError{l, true, err.Error()}
	}
	m.by = l
	return nil
}

// check makes the spec once all labels are read, and finds what is wrong with it
// as a whole. It returns what is odd and keeps nothing from being served.
func (m *middleware) check() (odd string) {
	if m.broken != "" {
		return ""
	}
	m.spec = m.draft.Middleware()
	switch s := m.spec.(type) {
	case *spec.Headers:
		// From v2 on these are parsed and do nothing.
		s.SSLRedirect, s.SSLTemporaryRedirect, s.SSLHost, s.SSLForceHost = false, false, "", false
		if dropped := s.DropFraming(); len(dropped) > 0 {
			odd = "middleware " + m.name + ": " + ofFraming(dropped)
			if reflect.ValueOf(*s).IsZero() {
				m.spec = spec.Chain{}
				return odd
			}
		}
	case spec.Chain:
		m.spec = spec.Chain{Middlewares: local(s.Middlewares)}
	case spec.ReplacePath:
		if s.Path == "" {
			m.spec = spec.ReplacePath{Path: "/"}
			odd = "middleware " + m.name + " replaces every path by /: it names none"
		}
	}
	if isIdle(m.spec) {
		m.spec = spec.Chain{}
		return "middleware " + m.name + " does nothing: its list is empty"
	}
	if err := m.spec.Validate(); err != nil {
		m.broken, m.spec = strings.ReplaceAll(err.Error(), "\n", "; "), nil
		return ""
	}
	return odd
}

// ofFraming says why fields are not set that tags ask for.
func ofFraming(names []string) string {
	return strings.Join(names, ", ") + " cannot be set: the load balancer alone says where a message ends and its connection goes"
}

// isIdle reports whether a middleware has nothing to do, which Traefik takes no
// offence at.
func isIdle(s spec.Middleware) bool {
	switch s := s.(type) {
	case spec.StripPrefix:
		return len(s.Prefixes) == 0
	case spec.StripPrefixRegex:
		return len(s.Regex) == 0
	case spec.Chain:
		return len(s.Middlewares) == 0
	}
	return false
}

package config

import (
	"errors"
	"slices"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Middleware is a step of routes: of those of the configuration by its name,
// and of tags as NAME@file.
type Middleware struct {
	Origin string
	Name   string // the first label of the stanza
	// Spec is what the second label and the keys say; nil if they are wrong.
	Spec spec.Middleware
}

// SetDefaults implements [hcl.Defaulted].
func (m *Middleware) SetDefaults(at hcl.Position) { *m = Middleware{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (m *Middleware) SetLabel(label string) { m.Name = label }

// UnmarshalObject reads the stanza below the name: the kind and its keys.
func (m *Middleware) UnmarshalObject(o hcl.Object) error {
	if len(o) != 1 {
		return errors.New(`a middleware has a name and a kind: middleware "NAME" "KIND" { … }`)
	}
	keys, ok := o[0].Value.Value.(hcl.Object)
	if !ok {
		return &hcl.Fault{Pos: o[0].Pos, Text: `a middleware has a name and a kind: middleware "NAME" "KIND" { … }`}
	}
	kind := hcl.PlainKey(o[0].Key)
	draft, ok := spec.NewDraft(kind)
	if !ok {
		return &hcl.Fault{Pos: o[0].Pos, Text: "there is no kind of middleware " + o[0].Key + nearest.Hint(kind, "", slices.Values(spec.Kinds()))}
	}
	if err := hcl.DecodeSpec(keys, draft.Target(), m.Name); err != nil {
		return err
	}
	m.Spec = draft.Middleware()
	return nil
}

// Stanza implements [hcl.Written].
func (m Middleware) Stanza() (labels []string, body any) {
	return []string{m.Name, m.Spec.Kind()}, m.Spec
}

// LoadBalancer is how requests are spread.
type LoadBalancer struct {
	Spec *spec.LoadBalancer // nil if nothing is said
}

// Expects implements [hcl.Expecting].
func (*LoadBalancer) Expects() string { return "a stanza" }

// UnmarshalObject implements [hcl.Structured].
func (b *LoadBalancer) UnmarshalObject(o hcl.Object) error {
	b.Spec = &spec.LoadBalancer{}
	return hcl.DecodeSpec(o, b.Spec, "")
}

// Stanza implements [hcl.Written].
func (b LoadBalancer) Stanza() (labels []string, body any) { return nil, b.Spec }

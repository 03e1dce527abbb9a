package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Middleware is a step of routes: of those of the configuration by its name,
// and of tags as NAME@file.
type Middleware struct {
	Origin string
	Name   string // the first label of the stanza
	// spec is what the second label and the keys say; nil if they are wrong.
	spec spec.Middleware
}

func (m *Middleware) setDefaults(at position) { *m = Middleware{Origin: at.String()} }

func (m *Middleware) setLabel(label string) { m.Name = label }

// unmarshalObject reads the stanza below the name: the kind and its keys.
func (m *Middleware) unmarshalObject(o object) error {
	if len(o) != 1 {
		return errors.New(`a middleware has a name and a kind: middleware "NAME" "KIND" { … }`)
	}
	keys, ok := o[0].value.value.(object)
	if !ok {
		return &fault{o[0].pos, `a middleware has a name and a kind: middleware "NAME" "KIND" { … }`}
	}
	kind := plainKey(o[0].key)
	draft, ok := spec.NewDraft(kind)
	if !ok {
		return &fault{o[0].pos, "there is no kind of middleware " + o[0].key + nearest.Hint(kind, "", slices.Values(spec.Kinds()))}
	}
	if err := decodeSpec(keys, draft.Target(), m.Name); err != nil {
		return err
	}
	m.spec = draft.Middleware()
	return nil
}

// LoadBalancer is how requests are spread.
type LoadBalancer struct {
	spec *spec.LoadBalancer // nil if nothing is said
}

func (*LoadBalancer) expects() string { return "a stanza" }

func (b *LoadBalancer) unmarshalObject(o object) error {
	b.spec = &spec.LoadBalancer{}
	return decodeSpec(o, b.spec, "")
}

// plainKey is a key as package spec has it: Traefik's, without a separator
// between words.
func plainKey(key string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(key))
}

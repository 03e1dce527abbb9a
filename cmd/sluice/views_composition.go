package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
)

// compositionView is a service that is composed of others, or a part of one.
type compositionView struct {
	Service string `json:"service"`
	// Kind is weighted, highestrandomweight, mirroring or failover, and empty for a
	// service that has instances, which are Endpoints.
	Kind string `json:"kind,omitempty"`
	// Role is service, mirror or fallback. A part without one has a weight.
	Role      string            `json:"role,omitempty"`
	Weight    *int              `json:"weight,omitempty"`
	Percent   *int              `json:"percent,omitempty"` // of the requests, of a mirror
	Parts     []compositionView `json:"parts,omitempty"`
	Endpoints []endpointView    `json:"endpoints,omitempty"`
}

// viewComposition is nil for what is not composed.
func viewComposition(o *lb.Outline) *compositionView {
	if o == nil {
		return nil
	}
	v := viewOutline(*o)
	return &v
}

func viewOutline(o lb.Outline) compositionView {
	v := compositionView{Service: o.Service, Kind: o.Kind}
	for _, p := range o.Parts {
		part := viewOutline(p.Outline)
		switch part.Role = p.Role; p.Role {
		case "":
			part.Weight = &p.Weight
		case "mirror":
			part.Percent = &p.Percent
		}
		v.Parts = append(v.Parts, part)
	}
	if o.Pool != nil {
		v.Endpoints = viewEndpoints(o.Endpoints, o.Pool)
	}
	return v
}

// as is what the part is to the whole.
func (v compositionView) as() string {
	switch {
	case v.Weight != nil:
		return fmt.Sprintf("weight %d: ", *v.Weight)
	case v.Percent != nil:
		return fmt.Sprintf("mirror of %d %%: ", *v.Percent)
	case v.Role == "fallback":
		return "fallback: "
	}
	return ""
}

// write prints the parts below each other, those of parts further in.
func (v compositionView) write(w io.Writer, indent string) {
	fmt.Fprintf(w, "%s%sservice %s", indent, v.as(), v.Service)
	if v.Kind != "" {
		fmt.Fprintf(w, ", %s", v.Kind)
	}
	fmt.Fprintln(w)
	for _, part := range v.Parts {
		part.write(w, indent+"  ")
	}
	for _, e := range v.Endpoints {
		fmt.Fprintf(w, "%s  %s\n", indent, e)
	}
}

// String is the composition in a line: "weighted(weight 3: stable, weight 1: canary)".
func (v compositionView) String() string {
	if v.Kind == "" {
		return v.Service
	}
	var parts []string
	for _, part := range v.Parts {
		parts = append(parts, part.as()+part.String())
	}
	return v.Kind + "(" + strings.Join(parts, ", ") + ")"
}

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
)

// policyView is what tags of no dialect and the configuration say of the service of a
// route.
type policyView struct {
	Tags []string `json:"tags,omitempty"`
	// Instance on Node is one that has the first of them.
	Instance string `json:"instance,omitempty"`
	Node     string `json:"node,omitempty"`
	// Given are the policies of the configuration, the first to count first, and
	// Balanced is who says what of how requests are spread, as far as it counts.
	Given    []givenView    `json:"given,omitempty"`
	Balanced []balancedView `json:"balanced,omitempty"`
}

// givenView is a policy of the configuration.
type givenView struct {
	Service     string   `json:"service"`
	Source      string   `json:"source"`
	Middlewares []string `json:"middlewares,omitempty"`
	Without     []string `json:"without,omitempty"`
}

// balancedView are options of a load balancer that come from one place.
type balancedView struct {
	Options []string `json:"options"`
	By      string   `json:"by"`
}

func viewPolicy(p *tags.Policy) *policyView {
	if p == nil {
		return nil
	}
	v := &policyView{Tags: p.Tags, Instance: p.Instance, Node: p.Node}
	for _, g := range p.Given {
		v.Given = append(v.Given, givenView{g.Service, g.Source, g.Middlewares, g.Without})
	}
	for _, b := range p.Balanced() {
		v.Balanced = append(v.Balanced, balancedView{b.Options, b.By})
	}
	return v
}

func (p *policyView) write(w io.Writer) {
	verb := "balanced and protected by"
	if len(p.Given) > 0 {
		verb = "asked for by" // which need not count
	}
	if len(p.Tags) > 0 {
		fmt.Fprintf(w, "  %s the tags %s of instance %s on %s\n", verb, strings.Join(p.Tags, ", "), p.Instance, p.Node)
	}
	for _, g := range p.Given {
		text := ""
		if len(g.Middlewares) > 0 {
			text += "; goes through " + strings.Join(g.Middlewares, ", ")
		}
		if len(g.Without) > 0 {
			text += "; without " + strings.Join(g.Without, ", ")
		}
		fmt.Fprintf(w, "  under policy %q of the configuration, %s%s\n", g.Service, g.Source, text)
	}
	for _, b := range p.Balanced {
		fmt.Fprintf(w, "    %s: %s\n", strings.Join(b.Options, ", "), b.By)
	}
}

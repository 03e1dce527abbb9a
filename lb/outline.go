package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// Outline tells what a service is made of.
type Outline struct {
	Service string
	// Kind is weighted, highestrandomweight, mirroring or failover; empty for a
	// service that has instances.
	Kind string
	// Parts are what it is composed of, those that are there.
	Parts []Part
	// Endpoints and Pool are as those of [Route], nil if it is composed.
	Endpoints []tags.Endpoint
	Pool      *target.Pool
}

// Serves reports whether anyone answers: an instance that is healthy, of a part that
// requests go to. Mirrors answer nobody.
func (o *Outline) Serves() bool {
	if o.Kind == "" {
		return slices.ContainsFunc(o.Endpoints, func(e tags.Endpoint) bool { return e.Serving })
	}
	return slices.ContainsFunc(o.Parts, func(p Part) bool {
		return p.Role != "mirror" && (p.Role != "" || p.Weight > 0) && p.Serves()
	})
}

// Part is what one service is to another.
type Part struct {
	Outline
	// Role is service, mirror or fallback; empty for those that requests are spread
	// over, which have a Weight. A mirror has a Percent of the requests.
	Role            string
	Weight, Percent int
}

func (v via) outline() Outline {
	return Outline{Service: v.service, Endpoints: v.route.Endpoints, Pool: v.route.Pool}
}

func (s *spread[E]) outline() Outline {
	o := Outline{Service: s.service, Kind: "weighted"}
	for _, p := range s.parts {
		o.Parts = append(o.Parts, Part{Outline: p.to.outline(), Weight: p.weight})
	}
	return o
}

func (h *highest) outline() Outline {
	o := Outline{Service: h.service, Kind: "highestrandomweight"}
	for _, p := range h.parts {
		o.Parts = append(o.Parts, Part{Outline: p.outline(), Weight: p.weight})
	}
	return o
}

func (m *mirroring) outline() Outline {
	o := Outline{Service: m.service, Kind: "mirroring", Parts: []Part{{Outline: m.ending.outline(), Role: "service"}}}
	for _, to := range m.mirrors {
		o.Parts = append(o.Parts, Part{Outline: to.outline(), Role: "mirror", Percent: int(to.percent)}) //nolint:gosec // 0 to 100
	}
	return o
}

func (f *failover) outline() Outline {
	return Outline{
		Service: f.service, Kind: "failover",
		Parts: []Part{{Outline: f.first.outline(), Role: "service"}, {Outline: f.second.outline(), Role: "fallback"}},
	}
}

func (p *passagePool) outline() Outline {
	return Outline{Service: p.service, Endpoints: p.endpoints, Pool: p.Pool}
}

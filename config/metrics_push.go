package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// MetricsPush has metrics sent to who does not ask for them.
type MetricsPush struct {
	Origin string
	// Name is what the receiver understands, and the label of the stanza.
	Name push.Kind
	// Address and Interval are as in [push.Options].
	Address  string        `hcl:"address"`
	Interval time.Duration `hcl:"interval"`
	// Names are whose names the metrics have: sluice's own, [FabioNames] or
	// [TraefikNames].
	Names string `hcl:"names"`
	// Prefix stands before each name: Fabio's as it is, which is a template; others
	// with a dot behind it.
	Prefix string `hcl:"prefix"`
	// Entrypoints, Routers and Services are as in [NamedMetrics].
	Entrypoints bool `hcl:"entrypoints"`
	Routers     bool `hcl:"routers"`
	Services    bool `hcl:"services"`
}

// SluiceNames are the names that /metrics has without another word.
const SluiceNames = "sluice"

// PushBounds are the buckets durations are counted in that are sent as single
// values: narrow enough for these to tell much the same as what was measured.
var PushBounds = []float64{
	.0005, .001, .0015, .002, .003, .005, .007, .01, .015, .02, .03, .05, .07,
	.1, .15, .2, .3, .5, .7, 1, 1.5, 2, 3, 5, 7, 10, 15, 20, 30, 60,
}

const (
	defaultPushInterval = 30 * time.Second
	minPushInterval     = 100 * time.Millisecond
)

// SetDefaults implements [hcl.Defaulted].
func (p *MetricsPush) SetDefaults(at hcl.Position) {
	*p = MetricsPush{Origin: at.String(), Interval: defaultPushInterval, Names: SluiceNames, Entrypoints: true, Services: true}
}

// SetLabel implements [hcl.Labelled].
func (p *MetricsPush) SetLabel(label string) { p.Name = push.Kind(label) }

// Named are the metrics under the names of another load balancer, if it is those that
// are sent.
func (p *MetricsPush) Named() NamedMetrics {
	return NamedMetrics{
		Name: p.Names, Prefix: p.Prefix, Buckets: PushBounds,
		Entrypoints: p.Entrypoints, Routers: p.Routers, Services: p.Services,
	}
}

// FullPrefix is what each name begins with, with what separates them.
func (p *MetricsPush) FullPrefix() (string, error) {
	switch p.Names {
	case FabioNames:
		named := p.Named()
		return named.FullPrefix()
	case TraefikNames:
		return cmp.Or(p.Prefix, TraefikNames) + ".", nil
	}
	if p.Prefix == "" {
		return "", nil
	}
	return p.Prefix + ".", nil
}

func (p *MetricsPush) validate(f *faultList) {
	at := fmt.Sprintf("admin.metrics_push %q", p.Name)
	if !slices.Contains(push.Kinds, p.Name) {
		var kinds []string
		for _, k := range push.Kinds {
			kinds = append(kinds, string(k))
		}
		f.oneOf("admin.metrics_push", string(p.Name), kinds...)
		return
	}
	f.oneOf(at+": names", p.Names, SluiceNames, FabioNames, TraefikNames)
	o := push.Options{Kind: p.Name, Address: p.Address, Interval: p.Interval}
	f.add(at, o.Validate())
	if p.Interval > 0 && p.Interval < minPushInterval {
		f.add(at, errors.New("the interval is shorter than 100ms"))
	}
	if p.Names != TraefikNames && (!p.Entrypoints || p.Routers || !p.Services) {
		f.addf("%s: entrypoints, routers and services are of Traefik's names", at)
	}
	_, err := p.FullPrefix()
	f.add(at+": prefix", err)
}

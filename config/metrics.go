package config

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/sluiceproxy/sluice/config/hcl"
)

// NamedMetrics are the metrics of another load balancer, beside sluice's own: for
// dashboards and alerts that know them.
type NamedMetrics struct {
	Origin string
	// Name is whose names they are: "traefik" or "fabio".
	Name string
	// Buckets are the bounds of those of durations, in seconds; without, those the
	// other has without.
	Buckets []float64 `hcl:"buckets"`

	// Entrypoints, Routers and Services are what Traefik's tell of each of them.
	Entrypoints bool `hcl:"entrypoints"`
	Routers     bool `hcl:"routers"`
	Services    bool `hcl:"services"`
	// Backends are services as Traefik 1.7 has them.
	Backends bool `hcl:"backends"`

	// Prefix and Subsystem stand before Fabio's. Prefix is a template.
	Prefix    string `hcl:"prefix"`
	Subsystem string `hcl:"subsystem"`
}

// Whose names there are.
const (
	TraefikNames = "traefik"
	FabioNames   = "fabio"
	// defaultFabioPrefix is Fabio's own.
	defaultFabioPrefix = "{{clean .Hostname}}.{{clean .Exec}}"
)

// The bounds of buckets that they have without another word, in seconds.
var (
	TraefikBuckets = []float64{0.1, 0.3, 1.2, 5}
	FabioBuckets   = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
)

// SetDefaults implements [hcl.Defaulted].
func (m *NamedMetrics) SetDefaults(at hcl.Position) {
	*m = NamedMetrics{Origin: at.String(), Entrypoints: true, Services: true}
}

// SetLabel implements [hcl.Labelled].
func (m *NamedMetrics) SetLabel(label string) { m.Name = label }

// Bounds are the buckets that count.
func (m *NamedMetrics) Bounds() []float64 {
	switch {
	case len(m.Buckets) > 0:
		return m.Buckets
	case m.Name == FabioNames:
		return FabioBuckets
	}
	return TraefikBuckets
}

// DetailBounds are the buckets that the load balancer has to count in for all of
// them, nil if there are none.
func (a *Admin) DetailBounds() (all []float64) {
	for _, m := range a.Metrics {
		all = append(all, m.Bounds()...)
	}
	for _, p := range a.MetricsPush {
		if p.Names != SluiceNames {
			all = append(all, PushBounds...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// maxBuckets bounds those of one histogram: each costs a line for each kind of
// request.
const maxBuckets = 64

func validateNamedMetrics(f *faultList, all []NamedMetrics) {
	seen := map[string]bool{}
	for _, m := range all {
		at := fmt.Sprintf("admin.metrics %q", m.Name)
		f.oneOf("admin.metrics", m.Name, TraefikNames, FabioNames)
		if seen[m.Name] {
			f.addf("%s is given twice", at)
		}
		seen[m.Name] = true
		rising := slices.IsSortedFunc(m.Buckets, func(a, b float64) int { return cmp.Or(cmp.Compare(a, b), 1) })
		if !rising || len(m.Buckets) > maxBuckets || len(m.Buckets) > 0 && m.Buckets[0] <= 0 {
			f.addf("%s: buckets are at most %d numbers of seconds above 0, each above the one before", at, maxBuckets)
		}
		isTraefik := m.Name == TraefikNames
		if isTraefik && m.Prefix+m.Subsystem != "" {
			f.addf("%s: prefix and subsystem are of Fabio's metrics", at)
		}
		if !isTraefik && (!m.Entrypoints || m.Routers || !m.Services || m.Backends) {
			f.addf("%s: entrypoints, routers, services and backends are of Traefik's metrics", at)
		}
		_, err := m.Namespace()
		f.add(at+": prefix", err)
	}
}

// Namespace is what Fabio's names begin with where Prometheus asks for them.
func (m *NamedMetrics) Namespace() (string, error) {
	prefix, err := m.FullPrefix()
	if err != nil {
		return "", err
	}
	return CleanName(prefix), nil
}

// FullPrefix is what Fabio's names begin with where they are sent.
func (m *NamedMetrics) FullPrefix() (string, error) {
	text := cmp.Or(m.Prefix, defaultFabioPrefix)
	if text == "default" {
		text = defaultFabioPrefix
	}
	t, err := template.New("prefix").Funcs(template.FuncMap{"clean": CleanName}).Parse(text)
	if err != nil {
		return "", err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return "", err
	}
	var name bytes.Buffer
	data := struct{ Hostname, Exec string }{hostname, "fabio"} // who is stood in for
	if err := t.Execute(&name, data); err != nil {
		return "", err
	}
	return name.String(), nil
}

// CleanName is a name without what separates names, as Fabio has it.
func CleanName(text string) string {
	return cmp.Or(strings.ToLower(strings.NewReplacer(".", "_", ":", "_").Replace(text)), "_")
}

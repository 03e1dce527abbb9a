package lb

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/sorted"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// town is a catalog that changes at random. Its services use few names, so that
// they get in each other's way.
type town struct {
	*catalog
	*rand.Rand
}

func (w town) pick(words ...string) string { return words[w.IntN(len(words))] }

func (w town) tag() string {
	name := w.pick("a", "b", "A")
	switch w.IntN(9) {
	case 0:
		return "urlprefix-" + w.pick("", "x.test", "*.test") + "/" + name + w.pick("", " weight=0.3", " strip=/a", " host=dst weight=0.5", " redirect=301,https://y.test$path")
	case 1:
		return "traefik.frontend.rule=" + w.pick("Host:", "PathPrefix:/") + name
	case 2:
		return "traefik.frontends." + name + ".rule=PathPrefix:/" + w.pick("a", "b")
	case 3:
		return "traefik.http.routers." + name + ".rule=" + w.pick("Host(`x.test`)", "PathPrefix(`/a`)", "nonsense")
	case 4:
		return "traefik.http.routers." + name + ".service=" + w.pick("a", "b", "s1", "s2")
	case 5:
		return "traefik.http.routers." + name + ".middlewares=" + w.pick("a", "b", "a,b")
	case 6:
		return "traefik.http.services." + name + ".loadbalancer.server.port=" + w.pick("80", "81", "none")
	case 7:
		return "traefik.http.middlewares." + name + ".addprefix.prefix=/" + w.pick("q", "p")
	}
	if w.IntN(2) == 0 {
		return "urlprefix-" + w.pick(":1234", "x.test", "x.test/") + " proto=tcp" + w.pick("", " pxyproto=true", " deny=ip:10.0.0.1", " weight=0.3")
	}
	return "traefik.http.middlewares." + name + ".chain.middlewares=" + w.pick("a", "b", "c")
}

// change changes one service. As long as it is listed, a snapshot does not lose
// what it has of it.
func (w town) change() {
	service := w.pick("s1", "s2", "s3", "s4")
	_, listed := w.services[service]
	refused := []error{errors.New("refused"), watch.ErrDenied}[w.IntN(2)]
	switch kind := w.IntN(7); {
	case kind == 0:
		w.remove(service)
		return
	case kind < 3 && listed:
		w.generation++
		entry := w.entries[w.options.health(service)]
		entry.Err = refused
		w.entries[w.options.health(service)] = entry
		return
	case kind < 3:
		w.list(service, at("a", w.tag()))
		if kind == 1 {
			w.entries[w.options.health(service)] = watch.Entry{Err: refused}
		}
		return
	}
	var instances []watch.Instance
	for range w.IntN(3) {
		i := at(w.pick("a", "b", "c"))
		i.Service.ModifyIndex = w.generation
		for range 1 + w.IntN(4) {
			i.Service.Tags = append(i.Service.Tags, w.tag())
		}
		if w.IntN(4) == 0 {
			i = critical(i)
		}
		instances = append(instances, i)
	}
	w.set(service, instances...)
}

// published is what a watcher has of a catalog: each snapshot is made of the one
// before, and knows how it differs.
type published struct {
	snapshot *watch.Snapshot
	of       map[watch.Query]watch.Entry // in the catalog
}

// publish brings it up to the catalog.
func (p *published) publish(c *catalog) *watch.Snapshot {
	changed := map[watch.Query]watch.Entry{}
	for q := range p.of {
		if _, ok := c.entries[q]; !ok { // it is asked for anew
			changed[q] = watch.Entry{}
			delete(p.of, q)
		}
	}
	for q, e := range c.snapshot().All {
		before, known := p.of[q]
		if known && e.Version == before.Version && e.Known == before.Known && errors.Is(e.Err, before.Err) {
			continue
		}
		p.of[q] = e
		if known && e.Version == before.Version {
			old, _ := p.snapshot.Entry(q)
			e.Version = old.Version
		} else {
			e.Version = p.snapshot.Generation() + 1
		}
		changed[q] = e
	}
	p.snapshot = p.snapshot.With(changed)
	return p.snapshot
}

// FuzzBuilder compares the tables of a builder that is led through some changes
// with tables built from nothing.
func FuzzBuilder(f *testing.F) {
	for seed := range uint64(100) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		w := town{newCatalog(), rand.New(rand.NewPCG(seed, 0))}
		if w.IntN(3) == 0 {
			w.options.Entrypoints = []string{"web"}
		}
		registry := target.NewRegistry(nil)
		builder := NewBuilder(w.options, registry)
		watched := published{watch.NewSnapshot(0, nil), map[watch.Query]watch.Entry{}}
		var inForce, older *Table
		var before string
		for range 25 {
			w.change()
			older, before = inForce, tableText(inForce)
			table := builder.Build(watched.publish(w.catalog))
			want := w.build()
			if diff := cmp.Diff(tableText(want), tableText(table)); diff != "" {
				t.Fatalf("after a change (-from nothing +led there):\n%s", diff)
			}
			if table.Complete() != want.Complete() || table.Settled() != want.Settled() {
				t.Fatalf("complete %t, settled %t", table.Complete(), table.Settled())
			}
			w.compareLookups(t, want, table)
			if w.IntN(4) > 0 { // or it is skipped, as one that is not complete
				gone, come := sorted.Differences(inForce.Routes(), table.Routes(), func(a, b *Route) bool { return a == b }, compareRoutes)
				goneTCP, comeTCP := sorted.Differences(inForce.TCPRoutes(), table.TCPRoutes(), func(a, b *TCPRoute) bool { return a == b }, compareTCPRoutes)
				registry.Replace(pools(gone, goneTCP...), pools(come, comeTCP...))
				inForce = table
				compareTargets(t, registry, table)
			}
			if tableText(older) != before {
				t.Fatal("a change reached an older table")
			}
		}
		for service := range maps.Clone(w.services) {
			w.remove(service)
		}
		if builder.Build(watched.publish(w.catalog)); !isForgetful(builder) {
			t.Errorf("something is left of services that are gone: %+v", *builder.linker)
		}
	})
}

func (w town) compareLookups(t *testing.T, want, got *Table) {
	t.Helper()
	for range 20 {
		r := &match.Request{Host: w.pick("x.test", "y.test", "a", "b"), Path: "/" + w.pick("", "a", "b", "A", "ab"), Entrypoint: w.pick("", "web")}
		a, _ := want.Lookup(r)
		b, _ := got.Lookup(r)
		if routeText(a) != routeText(b) {
			t.Fatalf("%s%s goes to %s, want %s", r.Host, r.Path, routeText(b), routeText(a))
		}
	}
}

func routeText(r *Route) string {
	if r == nil {
		return "none"
	}
	text := fmt.Sprintf("%s@%s of %s to %v by %v", r.Name, r.Dialect, r.Service, r.Pool.Members(), r.Steps)
	for _, v := range r.Variants() {
		text += fmt.Sprintf("; %s to %v by %v", v.Rule, v.Endpoints, v.Steps)
	}
	return text
}

// compareTargets sees that the registry knows the targets of the table in force
// and no others.
func compareTargets(t *testing.T, registry *target.Registry, table *Table) {
	t.Helper()
	text := func(targets []*target.Target) string {
		var addresses []string
		for _, one := range targets {
			addresses = append(addresses, one.Key().String())
		}
		slices.Sort(addresses)
		return strings.Join(slices.Compact(addresses), " ")
	}
	for _, r := range table.Routes() {
		compareVariants(t, r)
	}
	for _, r := range table.TCPRoutes() {
		for i, v := range r.Variants() {
			for _, one := range r.Pool.Targets() {
				has := slices.ContainsFunc(v.Endpoints, func(e tags.Endpoint) bool { return targetKey(e) == one.Key() })
				if has != (r.variants.of[one] == v) {
					t.Errorf("%s: of target %s variant %d is wrong", r.Name, one.Key(), i)
				}
			}
		}
	}
	var used []*target.Target
	for p := range pools(table.Routes(), table.TCPRoutes()...) {
		used = append(used, p.Targets()...)
	}
	if got, want := text(registry.Targets()), text(used); got != want {
		t.Fatalf("the registry has the targets %s, the table %s", got, want)
	}
	for _, one := range used {
		if !slices.Contains(registry.Targets(), one) {
			t.Fatalf("target %s of the table is not the registry's", one.Key())
		}
	}
}

// isForgetful reports whether a builder without services remembers nothing.
func isForgetful(b *Builder) bool {
	l := b.linker
	return len(l.routes)+len(l.middlewares)+len(l.backends)+len(b.problems.of)+len(b.services)+len(b.roster.Names())+
		len(b.table.routes)+len(b.table.problems)+b.table.index.Len() == 0
}

// compareVariants sees that each target of a route with variants is that of one,
// which has its endpoint.
func compareVariants(t *testing.T, r *Route) {
	t.Helper()
	if r.Variants() == nil {
		return
	}
	for _, one := range r.Pool.Targets() {
		owners := 0
		for _, v := range r.Variants() {
			if slices.ContainsFunc(v.Endpoints, func(e tags.Endpoint) bool { return targetKey(e) == one.Key() }) {
				owners++
				if r.variants.of[one] != v {
					t.Errorf("%s: target %s has the options of %v", r.Name, one.Key(), r.variants.of[one])
				}
			}
		}
		if owners != 1 {
			t.Errorf("%s: target %s is that of %d variants", r.Name, one.Key(), owners)
		}
	}
}

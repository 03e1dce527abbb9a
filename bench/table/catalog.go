package main

import (
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/watch"
)

// sort is a kind of service, by its tags and the requests it gets. Each service
// has one route and one instance.
type sort struct {
	name    string
	tags    func(i int) []string
	request func(i int) match.Request
}

// sorts take turns in a catalog. Requests are as long whatever its size, so that
// what differs is the number of routes alone.
var sorts = []sort{
	{
		name: "host (urlprefix-)",
		tags: func(i int) []string { return []string{fmt.Sprintf("urlprefix-s%07d.example.com/", i)} },
		request: func(i int) match.Request {
			return match.Request{Host: fmt.Sprintf("s%07d.example.com", i), Path: "/some/page", Method: "GET"}
		},
	},
	{
		name: "host and path (urlprefix-, strip)",
		tags: func(i int) []string {
			return []string{fmt.Sprintf("urlprefix-h%d.example.com/s%07d strip=/s%07d", i%hosts, i, i)}
		},
		request: func(i int) match.Request {
			return match.Request{Host: fmt.Sprintf("h%d.example.com", i%hosts), Path: fmt.Sprintf("/s%07d/page", i), Method: "GET"}
		},
	},
	{
		name: "path (Traefik v1)",
		tags: func(i int) []string {
			return []string{"traefik.enable=true", fmt.Sprintf("traefik.frontend.rule=PathPrefixStrip:/s%07d/", i)}
		},
		request: func(i int) match.Request {
			return match.Request{Host: "www.example.net", Path: fmt.Sprintf("/s%07d/page", i), Method: "GET"}
		},
	},
	{
		name: "five matchers (Traefik v3)",
		tags: func(i int) []string {
			rule := fmt.Sprintf("Host(`h%d.example.org`) && PathPrefix(`/s%07d/`) && Method(`GET`) && Header(`X-Tenant`, `acme`) && Query(`v`, `2`)",
				i%hosts, i)
			return []string{fmt.Sprintf("traefik.http.routers.s%07d.rule=%s", i, rule)}
		},
		request: func(i int) match.Request {
			return match.Request{
				Host: fmt.Sprintf("h%d.example.org", i%hosts), Path: fmt.Sprintf("/s%07d/page", i), Method: "GET", Fields: fields{},
			}
		},
	},
}

// fields are those of the requests for the rules of five matchers.
type fields struct{}

func (fields) Header(name string, i int) (value string, ok bool) {
	return "acme", name == "X-Tenant" && i == 0
}

func (fields) Query(name string, i int) (value string, ok bool) { return "2", name == "v" && i == 0 }

// hosts is how many hosts the services share that have one in common.
const hosts = 97

// catalog is what a watcher would have read.
type catalog struct {
	list     []watch.ServiceTags
	snapshot *watch.Snapshot
}

func newCatalog(services int) *catalog {
	c := &catalog{}
	entries := make(map[watch.Query]watch.Entry, services+1)
	for i := range services {
		c.list = append(c.list, watch.ServiceTags{Name: nameOf(i), Tags: sorts[i%len(sorts)].tags(i)})
		entries[healthOf(i)] = c.instance(1, i, true)
	}
	entries[watch.Services{}] = watch.Entry{Value: c.list, Known: true, Version: 1}
	c.snapshot = watch.NewSnapshot(1, entries)
	return c
}

func nameOf(i int) string { return fmt.Sprintf("service-%07d", i) }

func healthOf(i int) watch.Health { return watch.Health{Service: nameOf(i)} }

// instance is the one instance of a service.
func (c *catalog) instance(generation uint64, i int, passing bool) watch.Entry {
	instance := watch.Instance{
		Node: watch.NodeInfo{Name: fmt.Sprintf("node-%d", i%1000), Datacenter: "dc1"},
		Service: watch.ServiceInfo{
			ID: nameOf(i) + "-1", Name: nameOf(i), Address: fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255), Port: 8080,
			Tags: c.list[i].Tags, ModifyIndex: generation,
		},
		Checks: []watch.Check{{ID: "alive", Status: watch.Passing}},
	}
	if !passing {
		instance.Checks[0].Status = watch.Critical
	}
	return watch.Entry{Value: []watch.Instance{instance}, Known: true, Version: generation}
}

// fail has the check of a service fail or pass.
func (c *catalog) fail(i int, passing bool) {
	generation := c.snapshot.Generation() + 1
	c.snapshot = c.snapshot.With(map[watch.Query]watch.Entry{healthOf(i): c.instance(generation, i, passing)})
}

// retag gives a service one more route, by a tag that the list tells of too.
func (c *catalog) retag(i, n int) {
	generation := c.snapshot.Generation() + 1
	c.list = slices.Clone(c.list)
	c.list[i].Tags = append(sorts[i%len(sorts)].tags(i), sorts[i%len(sorts)].tags(-1 - n)[0])
	c.snapshot = c.snapshot.With(map[watch.Query]watch.Entry{
		watch.Services{}: {Value: c.list, Known: true, Version: generation},
		healthOf(i):      c.instance(generation, i, true),
	})
}

func options() lb.Options { return lb.DefaultOptions() }

package consul

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/sluiceproxy/sluice/watch"
)

// collection is all that is registered in a scope, with its checks.
type collection struct {
	services uint64          // index up to which it shows registrations
	hosts    map[string]host // by node; nil where there are too many
	checks   []watch.Check
	covers   uint64 // index up to which it shows checks

	// sound tells that nothing was hidden. The registrations are then those of
	// the moment when the checks were read, but for the services in moved.
	sound bool
	moved map[string]struct{} // in lower case
}

// host is a node with what is registered on it. Consul's index for it moves
// only with that; before 1.15 it is the whole catalog's and moves more often.
type host struct {
	watch.NodeServices
	index uint64
	hides bool // rules may have hidden some of it
}

// collect reads everything: first the registrations, then the checks, and then
// once more the registrations that moved in between.
func (v *survey) collect(ctx context.Context) (c collection, err error) {
	if c.services, err = v.servicesIndex(ctx); err != nil {
		return c, err
	}
	nodes, at, err := v.nodeIndexes(ctx)
	if err != nil {
		return c, err
	}
	c.sound, c.moved = !at.hides(), make(map[string]struct{})
	if v.tooMany(nodes) {
		c.sound = false
	} else {
		if err := v.readHosts(ctx, nodes, &c); err != nil {
			return c, err
		}
	}
	checks, a, err := read(ctx, v, "/v1/health/state/any", decodeChecks)
	if err != nil {
		return c, err
	}
	c.checks, c.covers, c.sound = checks, a.index, c.sound && !a.hides()
	return c, v.recheck(ctx, &c)
}

// readHosts reads the nodes, several at a time.
func (v *survey) readHosts(ctx context.Context, nodes map[string]uint64, c *collection) error {
	names := slices.Collect(maps.Keys(nodes))
	hosts := make([]host, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(watch.MaxSurveyRequests)
	for i, name := range names {
		group.Go(func() (err error) {
			hosts[i], err = v.readHost(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	c.hosts = make(map[string]host, len(names))
	for i, name := range names {
		c.hosts[name] = hosts[i]
		c.sound = c.sound && !hosts[i].hides
	}
	return nil
}

func (v *survey) readHost(ctx context.Context, name string) (host, error) {
	services, a, err := read(ctx, v, hostPath(name), decodeHost)
	return host{services, a.index, a.hides()}, err
}

// recheck finds the services that moved since their hosts were read.
func (v *survey) recheck(ctx context.Context, c *collection) error {
	if !c.sound {
		return nil
	}
	index, err := v.servicesIndex(ctx)
	if err != nil || index == c.services {
		return err
	}
	nodes, _, err := v.nodeIndexes(ctx)
	if err != nil {
		return err
	}
	for node := range nodes {
		old := c.hosts[node]
		if now, err := v.hostIndex(ctx, node); err != nil {
			return err
		} else if now == old.index {
			continue
		}
		now, err := v.readHost(ctx, node)
		if err != nil {
			return err
		}
		c.note(old, now)
	}
	for node, old := range c.hosts {
		if _, still := nodes[node]; !still {
			c.note(old, host{})
		}
	}
	return nil
}

// note takes in how a host changed.
func (c *collection) note(old, now host) {
	move := func(_ string, r registration) { c.moved[strings.ToLower(r.Service)] = struct{}{} }
	if !reflect.DeepEqual(old.Node, now.Node) {
		compare(old.registrations(), nil, move, nil)
		compare(now.registrations(), nil, move, nil)
		return
	}
	compare(old.registrations(), now.registrations(), move, func(id string, old, new registration) {
		move(id, old)
		move(id, new)
	})
}

// registrations are those on the host, by ID.
func (h host) registrations() map[string]registration {
	all := make(map[string]registration, len(h.Services))
	for _, s := range h.Services {
		all[s.ID] = registration{s.Name, s.ModifyIndex}
	}
	return all
}

func hostPath(node string) string { return "/v1/catalog/node-services/" + url.PathEscape(node) }

// hostIndex is Consul's index for what is registered on a node.
func (v *survey) hostIndex(ctx context.Context, node string) (uint64, error) {
	a, err := v.get(ctx, hostPath(node), "filter", `Service == ""`)
	return a.index, err
}

// instances are all of the collection by service, whose name's case does not
// matter to Consul, in Consul's order.
func (c *collection) instances() map[string][]watch.Instance {
	owned := make(ownedChecks, 0, len(c.checks))
	for i := range c.checks {
		owned = append(owned, &c.checks[i])
	}
	slices.SortFunc(owned, func(a, b *watch.Check) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ServiceID, b.ServiceID), compareFolded(a.ID, b.ID))
	})
	all := make(map[string][]watch.Instance)
	for _, h := range c.hosts {
		for _, s := range h.Services {
			name := strings.ToLower(s.Name)
			all[name] = append(all[name], watch.Instance{
				Node:    h.Node,
				Service: s,
				Checks:  owned.of(h.Node.Name, s.ID),
			})
		}
	}
	for _, list := range all {
		slices.SortFunc(list, func(a, b watch.Instance) int {
			return cmp.Or(compareFolded(a.Node.Name, b.Node.Name), compareFolded(a.Service.ID, b.Service.ID))
		})
	}
	return all
}

// ownedChecks are sorted by node, service and ID.
type ownedChecks []*watch.Check

// of returns the node's own checks and those of a service instance there; nil
// if there are none.
func (o ownedChecks) of(node, service string) (list []watch.Check) {
	for _, id := range []string{"", service} {
		first := sort.Search(len(o), func(i int) bool {
			return cmp.Or(cmp.Compare(o[i].Node, node), cmp.Compare(o[i].ServiceID, id)) >= 0
		})
		for _, c := range o[first:] {
			if c.Node != node || c.ServiceID != id {
				break
			}
			list = append(list, *c)
		}
	}
	return list
}

func compareFolded(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }

// answerer answers plain queries from the collection; nil if it cannot. What
// another datacenter, a namespace or a peer answers differs in details that
// this does not know.
func (c *collection) answerer(scope, defaults watch.Scope) watch.Answerer {
	if !c.sound || scope != (watch.Scope{}) || defaults != (watch.Scope{}) {
		return nil
	}
	all := c.instances()
	return func(q watch.Health) (watch.Reply, bool) {
		if q != (watch.Health{Service: q.Service, PassingOnly: q.PassingOnly}) {
			return watch.Reply{}, false
		}
		name := strings.ToLower(q.Service)
		if _, has := c.moved[name]; has {
			return watch.Reply{}, false
		}
		return healthReply(all[name], q.PassingOnly), true
	}
}

// healthReply is what a Fetch would have made of the instances. Its index is the
// least that Consul may have given.
func healthReply(all []watch.Instance, passingOnly bool) watch.Reply {
	list := make([]watch.Instance, 0, len(all))
	index := uint64(1)
	for _, i := range all {
		index = max(index, i.Service.ModifyIndex)
		passing := true
		for _, c := range i.Checks {
			index = max(index, c.ModifyIndex)
			passing = passing && c.Status == watch.Passing
		}
		if passing || !passingOnly {
			list = append(list, i)
		}
	}
	return watch.Reply{Value: list, Index: index}
}

// hides reports whether rules may have removed parts of the answer.
func (a answer) hides() bool { return a.filtered || a.unsure }

package file

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// answer is what a state has to say to one query.
type answer struct {
	index uint64
	value func() any // a copy for the caller
}

// ask answers a query. What needs a real cluster is an error rather than an
// empty answer, which would look like data.
func (s *state) ask(query watch.Query) (answer, error) {
	switch q := query.(type) {
	case watch.Services:
		return answer{s.namesIndex, s.serviceTags}, s.supports(q.Scope, q.Filter)
	case watch.Health:
		if q.Connect {
			return answer{}, fmt.Errorf("%w: a catalog of files has no service mesh", errors.ErrUnsupported)
		}
		is := s.services[q.Service]
		return answer{max(is.index, 1), func() any { return healthy(is.instances, q) }}, s.supports(q.Scope, q.Filter)
	case watch.Key:
		return s.key(q.Path), s.supports(q.Scope, "")
	case watch.Prefix:
		return s.prefix(q.Path), s.supports(q.Scope, "")
	case watch.Keys:
		return s.keys(q), s.supports(q.Scope, "")
	case watch.Nodes:
		return answer{1, func() any { return []watch.NodeInfo{cloneNode(s.node)} }}, s.supports(q.Scope, q.Filter)
	case watch.Node:
		return s.nodeServices(q.Name), s.supports(q.Scope, "")
	case watch.Datacenters:
		return answer{1, func() any { return []string{s.node.Datacenter} }}, nil
	}
	return answer{}, watch.ErrUnanswerable
}

func (s *state) supports(scope watch.Scope, filter string) error {
	local := func(name string) bool { return name == "" || name == "default" }
	switch {
	case filter != "":
		return fmt.Errorf("%w: a catalog of files does not evaluate filters", errors.ErrUnsupported)
	case scope.Datacenter != "" && scope.Datacenter != s.node.Datacenter:
		return fmt.Errorf("no datacenter %q: the catalog's files are datacenter %q", scope.Datacenter, s.node.Datacenter)
	case !local(scope.Namespace), !local(scope.Partition), scope.Peer != "", scope.SamenessGroup != "":
		return fmt.Errorf("%w: a catalog of files has no namespaces, partitions, peers or sameness groups", errors.ErrUnsupported)
	}
	return nil
}

func (s *state) serviceTags() any {
	lines := make([]watch.ServiceTags, 0, len(s.names))
	for _, l := range s.names {
		lines = append(lines, watch.ServiceTags{Name: l.Name, Tags: slices.Clone(l.Tags)})
	}
	return lines
}

func healthy(instances []watch.Instance, q watch.Health) []watch.Instance {
	chosen := make([]watch.Instance, 0, len(instances))
	for _, i := range instances {
		if q.PassingOnly && i.Status() != watch.Passing || q.Tag != "" && !hasTag(i, q.Tag) {
			continue
		}
		chosen = append(chosen, cloneInstance(i))
	}
	return chosen
}

// Consul does not look at the case of tags here.
func hasTag(i watch.Instance, tag string) bool {
	return slices.ContainsFunc(i.Service.Tags, func(t string) bool { return strings.EqualFold(t, tag) })
}

func (s *state) key(path string) answer {
	under := s.under(path)
	if len(under) == 0 || under[0].Key != path {
		return answer{1, func() any { return (*watch.Pair)(nil) }}
	}
	e := under[0]
	return answer{e.ModifyIndex, func() any {
		if e.gone {
			return (*watch.Pair)(nil)
		}
		return &e.Pair
	}}
}

func (s *state) prefix(path string) answer {
	under := s.under(path)
	index := uint64(1)
	for _, e := range under {
		index = max(index, e.ModifyIndex)
	}
	return answer{index, func() any {
		pairs := make([]watch.Pair, 0, len(under))
		for _, e := range under {
			if !e.gone {
				pairs = append(pairs, e.Pair)
			}
		}
		return pairs
	}}
}

// keys is not woken by new values of old keys.
func (s *state) keys(q watch.Keys) answer {
	under := s.under(q.Path)
	index := uint64(1)
	for _, e := range under {
		changed := e.CreateIndex
		if e.gone {
			changed = e.ModifyIndex
		}
		index = max(index, changed)
	}
	return answer{index, func() any {
		keys := []string{}
		for _, e := range under {
			if e.gone {
				continue
			}
			key := cut(e.Key, len(q.Path), q.Separator)
			if len(keys) == 0 || keys[len(keys)-1] != key {
				keys = append(keys, key)
			}
		}
		return keys
	}}
}

// cut ends key after the first separator from offset on.
func cut(key string, offset int, separator string) string {
	if separator == "" {
		return key
	}
	if at := strings.Index(key[offset:], separator); at >= 0 {
		return key[:offset+at+len(separator)]
	}
	return key
}

func (s *state) nodeServices(name string) answer {
	if name != "" && name != s.node.Name {
		return answer{1, func() any { return (*watch.NodeServices)(nil) }}
	}
	return answer{s.registrations, func() any {
		node := &watch.NodeServices{Node: cloneNode(s.node), Services: []watch.ServiceInfo{}}
		for _, line := range s.names {
			for _, i := range s.services[line.Name].instances {
				node.Services = append(node.Services, cloneService(i.Service))
			}
		}
		return node
	}}
}

func cloneInstance(i watch.Instance) watch.Instance {
	i.Node = cloneNode(i.Node)
	i.Service = cloneService(i.Service)
	i.Checks = slices.Clone(i.Checks)
	for n := range i.Checks {
		i.Checks[n].ServiceTags = slices.Clone(i.Checks[n].ServiceTags)
	}
	return i
}

func cloneService(s watch.ServiceInfo) watch.ServiceInfo {
	s.Tags = slices.Clone(s.Tags)
	s.Meta = maps.Clone(s.Meta)
	s.TaggedAddresses = maps.Clone(s.TaggedAddresses)
	return s
}

func cloneNode(n watch.NodeInfo) watch.NodeInfo {
	n.TaggedAddresses = maps.Clone(n.TaggedAddresses)
	n.Meta = maps.Clone(n.Meta)
	return n
}

package file

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// state is the catalog at one moment, immutable. It remembers for each thing
// in which generation it last changed, and for things that went, when: that is
// what blocking requests wait for.
type state struct {
	generation uint64 // from 1
	node       watch.NodeInfo
	faults     []Fault
	err        error // why the folder cannot be read; what follows is from before

	services map[string]service // also those that went
	names    []watch.ServiceTags
	// In which generation the list of services and tags, and the list of
	// all instances, last changed.
	namesIndex    uint64
	registrations uint64

	entries []entry // of the KV store, by key, also those that went

	// superseded is closed when a newer state has taken the place of this.
	superseded chan struct{}
}

// service is the instances of one name, by ID.
type service struct {
	index     uint64
	instances []watch.Instance
}

// entry is one key of the KV store. What is gone keeps the generation of its
// end as ModifyIndex.
type entry struct {
	watch.Pair
	gone bool
}

// next is the state after s when the files say m. It may be called on the zero
// state, which comes before all.
func (s *state) next(m merged) *state {
	n := &state{
		generation: s.generation + 1,
		node:       m.node,
		faults:     m.faults,
		err:        m.err,
		superseded: make(chan struct{}),
	}
	n.takeInstances(s, m.instances)
	n.takeNames(s)
	n.takePairs(s, m.pairs)
	return n
}

func (s *state) takeInstances(old *state, instances []watch.Instance) {
	s.services = make(map[string]service, len(old.services))
	s.registrations = old.registrations
	known := map[string]watch.Instance{}
	for name, was := range old.services {
		s.services[name] = service{index: was.index}
		for _, i := range was.instances {
			known[i.Service.ID] = i
		}
	}
	for _, i := range instances {
		s.stamp(&i, known[i.Service.ID])
		is := s.services[i.Service.Name]
		is.instances = append(is.instances, i)
		s.services[i.Service.Name] = is
	}
	for name, is := range s.services {
		was := old.services[name]
		if !reflect.DeepEqual(is.instances, was.instances) {
			is.index, s.registrations = s.generation, s.generation
			s.services[name] = is
		}
	}
	s.registrations = max(s.registrations, 1)
}

// stamp sets the indexes of i: those it had if nothing changed.
func (s *state) stamp(i *watch.Instance, was watch.Instance) {
	i.Service.CreateIndex = cmp.Or(was.Service.CreateIndex, s.generation)
	i.Service.ModifyIndex = was.Service.ModifyIndex
	if !reflect.DeepEqual(i.Service, was.Service) {
		i.Service.ModifyIndex = s.generation
	}
	for n := range i.Checks {
		c := &i.Checks[n]
		var before watch.Check
		if at := slices.IndexFunc(was.Checks, func(b watch.Check) bool { return b.ID == c.ID }); at >= 0 {
			before = was.Checks[at]
		}
		c.CreateIndex = cmp.Or(before.CreateIndex, s.generation)
		c.ModifyIndex = before.ModifyIndex
		if !reflect.DeepEqual(*c, before) {
			c.ModifyIndex = s.generation
		}
	}
}

// takeNames derives the list of services.
func (s *state) takeNames(old *state) {
	for name, is := range s.services {
		if len(is.instances) == 0 {
			continue
		}
		line := watch.ServiceTags{Name: name, Tags: []string{}}
		for _, i := range is.instances {
			for _, tag := range i.Service.Tags {
				if !slices.Contains(line.Tags, tag) {
					line.Tags = append(line.Tags, tag)
				}
			}
		}
		s.names = append(s.names, line)
	}
	slices.SortFunc(s.names, func(a, b watch.ServiceTags) int { return cmp.Compare(a.Name, b.Name) })
	s.namesIndex = max(old.namesIndex, 1)
	if !reflect.DeepEqual(s.names, old.names) {
		s.namesIndex = s.generation
	}
}

// takePairs merges the sorted pairs into the sorted entries of the old state.
func (s *state) takePairs(old *state, pairs []pair) {
	was := old.entries
	for len(pairs) > 0 || len(was) > 0 {
		switch {
		case len(was) == 0 || len(pairs) > 0 && pairs[0].key < was[0].Key:
			s.entries = append(s.entries, s.created(pairs[0]))
			pairs = pairs[1:]
		case len(pairs) == 0 || was[0].Key < pairs[0].key:
			s.entries = append(s.entries, s.ended(was[0]))
			was = was[1:]
		default:
			s.entries = append(s.entries, s.updated(was[0], pairs[0]))
			pairs, was = pairs[1:], was[1:]
		}
	}
}

func (s *state) created(p pair) entry {
	return entry{Pair: watch.Pair{Key: p.key, Value: p.value, CreateIndex: s.generation, ModifyIndex: s.generation}}
}

func (s *state) ended(was entry) entry {
	if was.gone {
		return was
	}
	return entry{Pair: watch.Pair{Key: was.Key, ModifyIndex: s.generation}, gone: true}
}

func (s *state) updated(was entry, p pair) entry {
	if was.gone {
		return s.created(p)
	}
	if was.Value != p.value {
		was.Value, was.ModifyIndex = p.value, s.generation
	}
	return was
}

// under is the entries whose keys begin with prefix.
func (s *state) under(prefix string) []entry {
	from, _ := slices.BinarySearchFunc(s.entries, prefix, func(e entry, key string) int { return cmp.Compare(e.Key, key) })
	for i, e := range s.entries[from:] {
		if !strings.HasPrefix(e.Key, prefix) {
			return s.entries[from : from+i]
		}
	}
	return s.entries[from:]
}

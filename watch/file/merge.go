package file

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// merged is the one catalog that all files describe together.
type merged struct {
	node      watch.NodeInfo
	instances []watch.Instance // by service name, then ID
	pairs     []pair           // by key
	faults    []Fault
	err       error // why the folder cannot be read, or nil
}

// merge resolves what more than one file says.
func merge(node watch.NodeInfo, all content, faults []Fault) merged {
	m := merged{node: node, faults: faults}
	services := m.unique(all.services)
	nodeChecks := m.distribute(all.checks, services)
	for _, def := range services {
		checks := slices.Concat(nodeChecks, def.checks)
		for i := range checks {
			checks[i].Node = node.Name
		}
		m.instances = append(m.instances, watch.Instance{Node: node, Service: def.service, Checks: checks})
	}
	slices.SortFunc(m.instances, func(a, b watch.Instance) int {
		return cmp.Or(cmp.Compare(a.Service.Name, b.Service.Name), cmp.Compare(a.Service.ID, b.Service.ID))
	})
	m.pairs = m.uniquePairs(all.pairs)
	slices.SortStableFunc(m.faults, compareFaults)
	return m
}

// unique drops definitions of an ID that is taken.
func (m *merged) unique(defs []definition) []definition {
	first := map[string]definition{}
	var kept []definition
	for _, def := range defs {
		if other, taken := first[def.service.ID]; taken {
			m.fault(def.path, def.line, "service ID %q is already defined at %s:%d; give one of them another \"id\"",
				def.service.ID, other.path, other.line)
			continue
		}
		first[def.service.ID] = def
		kept = append(kept, def)
	}
	return kept
}

// distribute gives each check to the service it names, and returns the node's.
func (m *merged) distribute(checks []looseCheck, services []definition) (node []watch.Check) {
	for _, loose := range checks {
		c := loose.check
		if c.ServiceID == "" {
			c.ID = cmp.Or(c.ID, c.Name)
			node = append(node, c)
			continue
		}
		at := slices.IndexFunc(services, func(def definition) bool { return def.service.ID == c.ServiceID })
		if at < 0 {
			m.fault(loose.path, loose.line, "a check names service_id %q, which no file defines", c.ServiceID)
			continue
		}
		def := &services[at]
		c.ID = cmp.Or(c.ID, c.Name)
		attach(&c, def.service)
		// Definitions are kept between reads: their checks must not grow.
		def.checks = append(slices.Clip(def.checks), c)
	}
	return node
}

// uniquePairs drops pairs whose key is taken by an earlier file.
func (m *merged) uniquePairs(pairs []pair) []pair {
	first := map[string]pair{}
	var kept []pair
	for _, p := range pairs {
		if other, taken := first[p.key]; taken {
			m.fault(p.path, p.line, "key %q is already set in %s", p.key, other.path)
			continue
		}
		first[p.key] = p
		kept = append(kept, p)
	}
	slices.SortFunc(kept, func(a, b pair) int { return cmp.Compare(a.key, b.key) })
	return kept
}

func (m *merged) fault(path string, line int, format string, args ...any) {
	m.faults = append(m.faults, Fault{path, line, fmt.Errorf(format, args...)})
}

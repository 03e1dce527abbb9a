package funcs

import (
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// Memory keeps what "service" and its kin made of answers from one execution of
// a template to the next, for which most answers are the same. It is used by
// one goroutine. The zero value and nil remember nothing.
type Memory struct {
	made map[healthKey]made
	used map[healthKey]made // by the execution under way
}

// healthKey is a healthQuery as a comparable value.
type healthKey struct {
	watch.Health
	statuses string
}

// made is what an answer was made into. It is shared by all executions, none of
// which changes it.
type made struct {
	version  uint64
	services []*HealthService
}

// begin forgets what the last execution did not use.
func (m *Memory) begin() {
	if m != nil {
		m.made, m.used = m.used, make(map[healthKey]made, len(m.used))
	}
}

// size is how many results are remembered.
func (m *Memory) size() int {
	if m == nil {
		return 0
	}
	return len(m.made)
}

// services makes what q wants of the entry, unless that is remembered.
func (m *Memory) services(q healthQuery, e watch.Entry) []*HealthService {
	instances, _ := e.Value.([]watch.Instance)
	if m == nil || !e.Known {
		return q.services(instances)
	}
	key := healthKey{q.Health, strings.Join(q.statuses, ",")}
	result, has := m.used[key]
	if !has {
		result, has = m.made[key]
	}
	if !has || result.version != e.Version {
		result = made{e.Version, q.services(instances)}
	}
	m.used[key] = result
	return result.services
}

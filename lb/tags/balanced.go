package tags

import (
	"fmt"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// Balanced tells where options of a load balancer come from.
type Balanced struct {
	By      string
	Options []string // their first words, and values of those that end there
}

// level is one of those who may say how a pool is balanced.
type level struct {
	by   string
	says *spec.LoadBalancer
}

// levels are those of a pool of which its dialect says own, the first to count first.
// The configuration goes before tags, but what it says of a pool goes before what it
// says of a service.
func (m *Policy) levels(own *spec.LoadBalancer, d Dialect) []level {
	var all []level
	for _, s := range m.Given {
		all = append(all, level{fmt.Sprintf("policy %q, %s", s.Service, s.Source), s.Balance})
	}
	if d == File {
		all = append([]level{{"its own stanza", own}}, all...)
	} else {
		all = append(all, level{"its own tags", own})
	}
	return append(all, level{fmt.Sprintf("tags %s… of instance %s on %s", PolicyPrefix, m.Instance, m.Node), m.Balance})
}

// Around is how a pool is balanced of which its dialect says own.
func (m *Policy) Around(own *spec.LoadBalancer, d Dialect) (all *spec.LoadBalancer) {
	if m == nil {
		return own
	}
	for _, l := range m.levels(own, d) {
		all = all.Over(l.says)
	}
	return all
}

// told is what a policy has to know of a pool to tell where its options come from.
type told struct {
	own, defaults *spec.LoadBalancer
	dialect       Dialect
}

// Told is the pool's policy, nil for none. If the configuration has a part in it, it
// can tell of the pool with these defaults.
func (p *Pool) Told(defaults *spec.LoadBalancer) *Policy {
	if p.Policy == nil || len(p.Policy.Given) == 0 {
		return p.Policy
	}
	policy := *p.Policy
	policy.told = &told{p.Balance, defaults, p.Dialect}
	return &policy
}

// Balanced tells who says what of how the pool is balanced, as far as it counts. There
// is nothing to tell if the configuration has no part in it.
func (m *Policy) Balanced() (all []Balanced) {
	if m.told == nil {
		return nil
	}
	taken := map[string]string{}
	for _, l := range append(m.levels(m.told.own, m.told.dialect), level{"defaults", m.told.defaults}) {
		var options []string
		for key, value := range l.says.Said() {
			group := spec.GroupOf(key)
			if by, ok := taken[group]; ok && by != l.by {
				continue
			}
			taken[group] = l.by
			if value != "" {
				key += "=" + value
			}
			options = append(options, key)
		}
		if len(options) > 0 {
			all = append(all, Balanced{l.by, options})
		}
	}
	return all
}

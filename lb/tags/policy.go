package tags

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// Policy is what is said of a service by tags that are of no dialect, and by the
// configuration: how requests are spread over its instances, and how those are
// protected, whatever dialect its routes are of. It is immutable.
type Policy struct {
	// Given are the policies of the configuration that hold for the service. Where
	// several say the same, the first counts.
	Given []*ServicePolicy
	// Balance holds where neither the tags of the dialect nor the configuration say
	// otherwise for the pool itself.
	Balance *spec.LoadBalancer
	// Tags are those it is made of, sorted, without what may be secret. Instance and
	// Node name an instance that has the first of them.
	Tags     []string
	Instance string
	Node     string
	// Protection are middlewares of the service's routes, which come before
	// [Route.Steps]. One that cannot be made is left out.
	Protection []spec.Middleware
	// Without names default middlewares, in lower case, that the routes would rather
	// not have: they are served without those that may be left out.
	Without []string

	told *told // nil but for what [Pool.Told] returns
}

// PolicyPrefix is the start of the tags that a [Policy] is made of. What follows
// are keys of [spec.LoadBalancer], or a kind of middleware of policySteps and its
// keys: "sluice.strategy=leastconn", "sluice.ratelimit.average=100".
const PolicyPrefix = "sluice."

// policySteps are the middlewares that protect servers, in the order in which they
// become [Policy.Protection].
var policySteps = []string{"ratelimit", "inflightreq", policyGuard, "buffering", "circuitbreaker"}

// policyGuard is the one of them that keeps strangers out: if anything of it makes no
// sense, nobody is let in.
const policyGuard = "jwt"

// policyWithout is the key of default middlewares that the service's routes would
// rather not have.
const policyWithout = "without"

// maxPolicy bounds the keys of a policy.
const maxPolicy = 256

// policy reads the tags of a policy, and gives it to the service's pools and
// routes.
func (p *parser) policy() {
	settings := p.unionPolicy()
	made := Policy{}
	steps := map[string]spec.Middleware{}
	for _, group := range policyGroups(settings) {
		if kind := groupOf(group[0].key); kind == policyWithout {
			if names, ok := p.without(group); ok {
				made.Without = names
				made.add(group)
			}
		} else if slices.Contains(policySteps, kind) {
			if m, ok := p.policyStep(kind, group); ok {
				steps[kind] = m
				made.add(group)
			}
		} else if b, ok := p.policyBalance(group); ok {
			made.Balance = b.Over(made.Balance)
			made.add(group)
		}
	}
	if p.closed {
		steps[policyGuard] = spec.Unauthorized{}
	}
	made.Given = p.given()
	if made.Tags == nil && made.Given == nil && len(steps) == 0 {
		return
	}
	for i := range p.Pools {
		if p.Pools[i].Composed == nil && (made.Tags != nil || made.Given != nil) {
			p.Pools[i].Policy = &made
		}
	}
	for _, kind := range policySteps {
		if m, ok := steps[kind]; ok {
			made.Protection = append(made.Protection, m)
		}
	}
	for i := range p.Routes {
		p.Routes[i].ByPolicy = &made
	}
}

// without reads the names of middlewares to be left out. It is not ok if nothing is
// left of the group.
func (p *parser) without(group []setting1) (names []string, ok bool) {
	for _, s := range group {
		if s.key != policyWithout {
			p.policyRead(s, spec.ErrUnknown)
			continue
		}
		names, ok = spec.List(strings.ToLower(s.value)), true
	}
	return names, ok
}

// addPolicy takes in a tag of the policy.
func (p *parser) addPolicy(v *view, option, tag string) {
	key, value, ok := strings.Cut(option, "=")
	if !ok {
		p.problem(v.Instance, Problem{Tag: tag, Offset: -1, Reason: "the tag is not of the form " + PolicyPrefix + "KEY=VALUE" + p.lose(option)})
		return
	}
	v.policy = append(v.policy, label{key, value, tag, len(tag) - len(value)})
}

// lose takes note of an option that makes no sense, and says what comes of it.
func (p *parser) lose(option string) string { return p.loseAll(option, "it") }

// loseAll is the same for what goes by a name of its own.
func (p *parser) loseAll(option, name string) string {
	if groupOf(policyKey(option)) == policyGuard {
		p.closed = true
		return "; nobody is let in"
	}
	return "; " + name + " is ignored"
}

// add notes where a part of the policy comes from.
func (m *Policy) add(group []setting1) {
	if m.Tags == nil {
		m.Instance, m.Node = group[0].owner.ID, group[0].owner.Node
	}
	for _, s := range group {
		m.Tags = append(m.Tags, s.redacted())
	}
}

// unionPolicy merges the tags of all instances, by the keys as [spec.Decode] knows
// them.
func (p *parser) unionPolicy() map[string]setting1 {
	values := map[string][]setting1{}
	for _, v := range p.views {
		for _, l := range v.policy {
			key := policyKey(l.key)
			if len(values) == maxPolicy && values[key] == nil {
				p.lose(l.key)
				p.problem(v.Instance, Problem{Offset: -1, Reason: fmt.Sprintf("the service has more than %d options that begin with %s; the others are left out", maxPolicy, PolicyPrefix)})
				continue
			}
			values[key] = collect1(values[key], l, v.Instance)
		}
	}
	merged := map[string]setting1{}
	for _, key := range sortedKeys(values) {
		best := slices.MaxFunc(values[key], compare1)
		best.key = key
		merged[key] = best
		for _, s := range values[key] {
			if s.value != best.value {
				p.problem(s.owner, Problem{Tag: s.redacted(), Offset: s.at, Reason: reasonOutvoted})
			}
		}
	}
	return merged
}

// policyKey is a key in lower case and without what may stand between words, but
// for the name of a header or a claim at its end.
func policyKey(key string) string {
	words := strings.Split(key, ".")
	for i, w := range words {
		if i > 0 && (words[i-1] == "headers" || words[i-1] == "claims") {
			break
		}
		words[i] = strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(w))
	}
	return strings.Join(words, ".")
}

// groupOf names the keys that make sense together only.
func groupOf(key string) string {
	first, _, _ := strings.Cut(key, ".")
	return spec.GroupOf(first)
}

// policyGroups sorts the settings by what belongs together.
func policyGroups(settings map[string]setting1) (groups [][]setting1) {
	by := map[string][]setting1{}
	for _, key := range sortedKeys(settings) {
		by[groupOf(key)] = append(by[groupOf(key)], settings[key])
	}
	for _, name := range sortedKeys(by) {
		groups = append(groups, by[name])
	}
	return groups
}

// policyBalance reads a group of keys of a load balancer. It is not ok if nothing
// is left of them.
func (p *parser) policyBalance(group []setting1) (b *spec.LoadBalancer, ok bool) {
	b = &spec.LoadBalancer{}
	for _, s := range group {
		if strings.HasPrefix(s.key, "healthcheck.") && b.Health == nil {
			b.Health = spec.DefaultHealthCheck()
		}
		err := spec.Decode(b, strings.Split(s.key, "."), s.value)
		ok = p.policyRead(s, err) || ok
	}
	if b.Health != nil {
		if err := b.Health.Settle(); err != nil {
			p.problem(group[0].owner, Problem{Tag: group[0].redacted(), Offset: -1, Reason: err.Error()})
		}
	}
	return b, ok && p.policyValid(group, b.Validate())
}

// policyStep reads a group of keys of a middleware.
func (p *parser) policyStep(kind string, group []setting1) (m spec.Middleware, ok bool) {
	draft, _ := spec.NewDraft(kind)
	for _, s := range group {
		words := strings.Split(s.key, ".")
		ok = p.policyRead(s, draft.Set(words[1:], s.value)) || ok
	}
	m = draft.Middleware()
	return m, ok && p.policyValid(group, m.Validate())
}

// policyRead reports a setting that could not be read, which is ignored.
func (p *parser) policyRead(s setting1, err error) bool {
	switch {
	case err == nil:
		return true
	case errors.Is(err, spec.ErrUnknown):
		p.problem(s.owner, Problem{
			Tag: s.redacted(), Offset: len(PolicyPrefix), Reason: "there is no option " + PolicyPrefix + s.key + p.lose(s.key),
			Hint: "the first word is one of " + strings.Join(policyWords(), ", "),
		})
	default:
		p.problem(s.owner, Problem{Tag: s.redacted(), Offset: s.at, Reason: err.Error() + p.lose(s.key)})
	}
	return false
}

// policyValid reports a group that makes no sense as a whole, which is ignored.
func (p *parser) policyValid(group []setting1, err error) bool {
	if err != nil {
		p.problem(group[0].owner, Problem{
			Tag: group[0].redacted(), Offset: -1,
			Reason: strings.ReplaceAll(err.Error(), "\n", "; ") + p.loseAll(group[0].key, PolicyPrefix+groupOf(group[0].key)),
		})
	}
	return err == nil
}

// policyWords are the first words of all keys.
func policyWords() []string {
	return append(append(spec.Keys(spec.LoadBalancer{}), policySteps...), policyWithout)
}

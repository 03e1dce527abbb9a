package tags

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// traefik1 makes the frontends of Traefik v1. Their settings come from the
// union of the tags of all instances, which are one backend.
func (p *parser) traefik1() {
	var instances []view
	for _, v := range p.views {
		if v.dialect == Traefik1 {
			instances = append(instances, v)
		}
	}
	if len(instances) == 0 {
		return
	}
	pool := p.backend1(instances)
	p.Pools = append(p.Pools, pool)
	settings := p.union1(instances)
	names := frontends1(settings)
	for n, name := range names {
		if p.tooMany(instances[0].Instance, n) {
			return
		}
		p.frontend1(name, settings, pool, instances[0].Instance)
	}
}

// backend1 is the service's pool. Weight and protocol are each instance's own.
func (p *parser) backend1(instances []view) Pool {
	pool := Pool{Name: "backend-" + strings.ToLower(p.Service), Dialect: Traefik1, PassHost: true, Service: p.Service}
	for _, v := range instances {
		pool.Origin = pool.Origin.with(v.Instance)
		if l, ok := v.find("protocol"); ok && l.value != "http" && l.value != "" {
			p.problem(v.Instance, Problem{
				Tag: l.tag, Offset: l.at,
				Reason: "protocol " + l.value + " is not supported yet; the instance gets no requests",
			})
			continue
		}
		e, ok := p.endpoint(v.Instance, v.Port)
		if !ok {
			continue
		}
		e.Weight = p.weight1(v)
		pool.Endpoints = append(pool.Endpoints, e)
	}
	return pool
}

func (p *parser) weight1(v view) int {
	l, ok := v.find("backend.weight")
	if !ok {
		l, ok = v.find("weight")
	}
	if !ok || l.value == "" {
		return 1
	}
	weight, err := strconv.Atoi(l.value)
	if err != nil {
		p.problem(v.Instance, Problem{Tag: l.tag, Offset: l.at, Reason: "the weight is not a whole number; 1 is used"})
	}
	return max(1, weight)
}

// find returns the first label of that key, in any case.
func (v view) find(key string) (label, bool) {
	i := slices.IndexFunc(v.labels, func(l label) bool { return strings.EqualFold(l.key, key) })
	if i < 0 {
		return label{}, false
	}
	return v.labels[i], true
}

// setting1 is one value of a key and who has it.
type setting1 struct {
	label
	owner  Instance
	origin Origin
}

// union1 merges the tags of all instances. Where they disagree, the value of
// most serving instances counts, then that of most, then the smallest text.
func (p *parser) union1(instances []view) map[string]setting1 {
	values := map[string][]setting1{}
	for _, v := range instances {
		for _, l := range v.labels {
			if !strings.HasPrefix(l.key, "frontend.") && !strings.HasPrefix(l.key, "frontends.") && !strings.HasPrefix(l.key, "backend.") {
				continue
			}
			same := values[l.key]
			i := slices.IndexFunc(same, func(s setting1) bool { return s.value == l.value })
			if i < 0 {
				i = len(same)
				same = append(same, setting1{label: l, owner: v.Instance})
			}
			same[i].origin = same[i].origin.with(v.Instance)
			values[l.key] = same
		}
	}
	merged := map[string]setting1{}
	for _, key := range sortedKeys(values) {
		best := slices.MaxFunc(values[key], func(a, b setting1) int {
			return cmp.Or(
				cmp.Compare(a.origin.Serving, b.origin.Serving),
				cmp.Compare(a.origin.Instances, b.origin.Instances),
				cmp.Compare(b.value, a.value),
			)
		})
		merged[key] = best
		for _, s := range values[key] {
			if s.value != best.value && key != "backend.weight" {
				p.problem(s.owner, Problem{
					Tag: s.redacted(), Offset: s.at,
					Reason: "other instances of the service have another value for this, which counts",
				})
			}
		}
	}
	return merged
}

// frontends1 are the names of a service's frontends: always the plain one, and
// those of keys frontends.NAME.KEY.
func frontends1(settings map[string]setting1) []string {
	names := []string{""}
	for _, key := range sortedKeys(settings) {
		rest, ok := strings.CutPrefix(key, "frontends.")
		name, _, dotted := strings.Cut(rest, ".")
		if ok && dotted && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// frontend1 makes one frontend. It is one unit: what cannot be honoured and is
// unsafe to ignore keeps it out.
func (p *parser) frontend1(name string, settings map[string]setting1, pool Pool, first Instance) {
	service := strings.ToLower(p.Service)
	prefix := "frontend."
	if name != "" {
		service += "-" + name
		prefix = "frontends." + name + "."
	}
	route := Route{
		Name:     "frontend-" + service,
		Dialect:  Traefik1,
		Service:  p.Service,
		PassHost: true,
		Pool:     pool.Name,
		Origin:   pool.Origin,
		Instance: first.ID,
		Node:     first.Node,
	}
	safe := true
	for _, key := range sortedKeys(settings) {
		s := settings[key]
		if option, ok := strings.CutPrefix(key, prefix); ok {
			safe = p.option1(&route, option, s) && safe
		} else if name == "" && strings.HasPrefix(key, "backend.") && !isKnownBackend1(key) {
			p.problem(s.owner, Problem{Tag: s.redacted(), Offset: -1, Reason: key + " is not supported yet and ignored"})
		}
	}
	if safe && p.rule1(&route, service, settings[prefix+"rule"]) {
		p.Routes = append(p.Routes, route)
	}
}

func isKnownBackend1(key string) bool {
	return key == "backend.weight" || strings.EqualFold(key, "backend.loadbalancer.method")
}

// option1 applies one setting of a frontend. It returns false if the frontend
// must not be served for it.
func (p *parser) option1(route *Route, option string, s setting1) (safe bool) {
	if s.value == "" {
		return true
	}
	problem := Problem{Tag: s.redacted(), Offset: s.at}
	switch option {
	case "rule":
		return true
	case "priority":
		n, err := strconv.Atoi(s.value)
		if err == nil {
			route.Precedence.Priority = max(0, n)
			return true
		}
		problem.Reason = "the priority is not a whole number; the length of the rule is used"
	case "entryPoints":
		route.Entrypoints = list(s.value)
		return true
	case "passHostHeader":
		pass, err := strconv.ParseBool(s.value)
		if err == nil {
			route.PassHost = pass
			return true
		}
		problem.Reason, problem.Hint = "not a boolean; true is used", "true or false"
	default:
		problem.Offset = -1
		if isUnsafe1(option) {
			problem.Route = route.Name
			problem.Reason = "frontend." + option + " is not supported yet, and the frontend is not served without it"
		} else {
			problem.Reason = "frontend." + option + " is not supported yet and ignored"
		}
	}
	p.problem(s.owner, problem)
	return problem.Route == ""
}

// isUnsafe1 reports whether a frontend without this option would be open to
// others than it is meant for, or believe what it should not.
func isUnsafe1(option string) bool {
	option = strings.ToLower(option)
	for _, start := range []string{
		"auth.", "whitelist", "redirect.", "passtlsclientcert.", "headers.ssl", "headers.allowedhosts",
	} {
		if strings.HasPrefix(option, start) {
			return true
		}
	}
	return false
}

// rule1 sets what the rule says, or the default rule without one.
func (p *parser) rule1(route *Route, service string, s setting1) bool {
	problem := Problem{Route: route.Name, Tag: s.tag, Offset: s.at}
	text := s.value
	if text == "" {
		problem.Offset = -1
		rendered, err := renderRule(p.DefaultRule1, map[string]any{"ServiceName": service, "Domain": p.Domain})
		if err != nil {
			problem.Reason = "the default rule of Traefik v1 frontends: " + err.Error()
			p.problem(Instance{ID: route.Instance, Node: route.Node}, problem)
			return false
		}
		text = strings.TrimSuffix(rendered, ".")
	} else {
		route.Tag, route.Instance, route.Node = s.tag, s.owner.ID, s.owner.Node
	}
	owner := Instance{ID: route.Instance, Node: route.Node}
	if strings.Contains(text, "{{") {
		problem.Reason = "templates in rules are not supported yet"
		p.problem(owner, problem)
		return false
	}
	rule, err := parseRule1(text)
	if err != nil {
		p.problem(owner, problem.because(err))
		return false
	}
	route.Rule = text
	route.Match = rule.expr()
	route.Steps = rule.steps()
	route.SlashPaths = rule.slash
	route.Precedence = match.Precedence{
		Class:    match.ByPriority,
		Priority: cmp.Or(route.Precedence.Priority, len(text)),
		Name:     route.Name,
	}
	return true
}

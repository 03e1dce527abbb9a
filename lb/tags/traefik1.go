package tags

import (
	"cmp"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
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
	settings := p.union1(instances)
	pool := p.backend1(instances)
	pool.Balance = p.balance1(settings)
	p.Pools = append(p.Pools, pool)
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
		scheme := "http"
		if l, ok := v.find("protocol"); ok && l.value != "" {
			if scheme = l.value; defaultPorts[scheme] == "" {
				p.problem(v.Instance, Problem{
					Tag: l.tag, Offset: l.at,
					Reason: "protocol " + l.value + " is not supported; the instance gets no requests",
				})
				continue
			}
		}
		e, ok := p.endpoint(v.Instance, v.Port)
		if !ok {
			continue
		}
		e.Weight, e.Scheme = e.Weight*p.weight1(v), scheme
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
	} else if weight < 0 {
		p.problem(v.Instance, Problem{Tag: l.tag, Offset: l.at, Reason: "the weight is below 0; 1 is used"})
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
	// others are the rules that do not count.
	others []setting1
}

func isRule1(key string) bool { return strings.HasSuffix(key, ".rule") }

// sound1 is 1 for a value that may count, and 0 for a rule that cannot be parsed.
func (p *parser) sound1(key string, s setting1) int {
	if isRule1(key) && !strings.Contains(s.value, "{{") {
		if _, err := parseRule1(s.value, p.Patterns); err != nil {
			return 0
		}
	}
	return 1
}

// union1 merges the tags of all instances. Where they disagree, the value of
// most serving instances counts, then that of most, then of the newest, then the
// smallest text.
func (p *parser) union1(instances []view) map[string]setting1 {
	values := map[string][]setting1{}
	for _, v := range instances {
		for _, l := range v.labels {
			if !strings.HasPrefix(l.key, "frontend.") && !strings.HasPrefix(l.key, "frontends.") && !strings.HasPrefix(l.key, "backend.") {
				continue
			}
			values[l.key] = collect1(values[l.key], l, v.Instance)
		}
	}
	merged := map[string]setting1{}
	for _, key := range sortedKeys(values) {
		best := slices.MaxFunc(values[key], func(a, b setting1) int {
			return cmp.Or(p.sound1(key, a)-p.sound1(key, b), compare1(a, b))
		})
		for _, s := range values[key] {
			if s.value != best.value && isRule1(key) {
				best.others = append(best.others, s)
			}
		}
		slices.SortStableFunc(best.others, func(a, b setting1) int { return b.origin.Compare(a.origin) })
		best.others = best.others[:min(len(best.others), maxOlder)]
		merged[key] = best
		for _, s := range values[key] {
			if s.value != best.value && key != "backend.weight" {
				p.problem(s.owner, Problem{
					Tag: s.redacted(), Offset: s.at, Reason: reasonOutvoted,
				})
			}
		}
	}
	return merged
}

// collect1 adds what an instance has to the values of a key.
func collect1(values []setting1, l label, owner Instance) []setting1 {
	i := slices.IndexFunc(values, func(s setting1) bool { return s.value == l.value })
	if i < 0 {
		i = len(values)
		values = append(values, setting1{label: l, owner: owner})
	}
	values[i].origin = values[i].origin.with(owner)
	return values
}

// compare1 is positive if a counts before b.
func compare1(a, b setting1) int {
	return cmp.Or(a.origin.Compare(b.origin), cmp.Compare(b.value, a.value))
}

const reasonOutvoted = "other instances of the service have another value for this, which counts"

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

// frontendPrefix1 is what keys of the frontend begin with that has no name.
const frontendPrefix1 = "frontend."

// frontend1 makes one frontend. It is one unit: what cannot be honoured and is
// unsafe to ignore keeps it out.
func (p *parser) frontend1(name string, settings map[string]setting1, pool Pool, first Instance) {
	service := strings.ToLower(p.Service)
	prefix := frontendPrefix1
	if name != "" {
		service += "-" + name
		prefix = "frontends." + name + "."
	}
	route := Route{
		Declaration: Declaration{
			Name:     "frontend-" + service,
			Dialect:  Traefik1,
			Service:  p.Service,
			Pool:     pool.Name,
			Origin:   pool.Origin,
			Instance: first.ID,
			Node:     first.Node,
		},
		PassHost: true,
	}
	options, ok := p.options1(&route, prefix, settings)
	if !ok {
		return
	}
	for _, page := range options.dropOwnPages(route.Pool) {
		key := prefix + "errors." + page + ".backend"
		p.problem(first, Problem{Tag: settings[key].redacted(), Offset: -1, Reason: key + " is the frontend's own backend: there are no such error pages"})
	}
	if options.redirect.isHalf() {
		p.problem(first, Problem{
			Tag: settings[prefix+"redirect.regex"].redacted() + settings[prefix+"redirect.replacement"].redacted(), Offset: -1,
			Reason: "a redirect needs both regex and replacement; there is none",
		})
	}
	steps, err := options.steps()
	if err != nil {
		p.problem(first, Problem{Route: route.Name, Offset: -1, Reason: err.Error()})
		return
	}
	rule := settings[prefix+"rule"]
	winner := route
	if !p.rule1(&winner, service, rule) {
		return
	}
	winner.Steps = append(winner.Steps, steps...)
	p.Routes = append(p.Routes, winner)
	// While a new version of a service takes the place of another, the clients of
	// both find what they look for. Where both match, the one that counts is the one.
	for _, other := range rule.others {
		older := route
		older.Name += "~" + short(other.value)
		if p.sound1(prefix+"rule", other) == 1 && p.rule1(&older, service, other) {
			older.Steps = append(older.Steps, steps...)
			older.Precedence.Priority = min(older.Precedence.Priority, winner.Precedence.Priority)
			p.Routes = append(p.Routes, older)
		}
	}
}

// options1 reads the options of a frontend, whose keys begin with prefix, and of its
// backend. It is not ok if the frontend is better not served.
func (p *parser) options1(route *Route, prefix string, settings map[string]setting1) (options options1, ok bool) {
	for _, key := range sortedKeys(settings) {
		s := settings[key]
		if s.value == "" {
			continue
		}
		if option, ok := strings.CutPrefix(key, prefix); ok {
			err := p.option1(route, &options, option, s.value)
			if group, _, _ := strings.Cut(option, "."); isUnknown1(err) && (group == "auth" || group == "whiteList") {
				p.problem(s.owner, Problem{
					Route: route.Name, Tag: s.redacted(), Offset: -1,
					Reason: key + " is not known, and might be what keeps strangers out",
				})
				return options, false
			}
			p.reportOption1(s, key, err)
		} else if option, ok := strings.CutPrefix(key, "backend."); ok && !isPoolOption1(option) {
			if err := options.setBackend(option, s.value); prefix == frontendPrefix1 { // once is enough
				p.reportOption1(s, key, err)
			}
		}
	}
	return options, true
}

// reportOption1 tells of an option that is not honoured as it is written.
func (p *parser) reportOption1(s setting1, key string, err error) {
	switch {
	case err == nil:
	case isUnknown1(err):
		p.problem(s.owner, Problem{Tag: s.redacted(), Offset: -1, Reason: key + " is not known and ignored"})
	case errors.Is(err, errNoPassTLSCert):
		p.problem(s.owner, Problem{Tag: s.redacted(), Offset: -1, Reason: err.Error(), Hint: "passTLSClientCert tells servers of the client's in a header"})
	case isFraming1(err):
		p.problem(s.owner, Problem{Tag: s.redacted(), Offset: -1, Reason: err.Error()})
	default:
		p.problem(s.owner, Problem{Tag: s.redacted(), Offset: s.at, Reason: err.Error() + "; the default is used"})
	}
}

func isFraming1(err error) bool {
	_, ok := errors.AsType[framingError](err)
	return ok
}

func isUnknown1(err error) bool {
	return errors.Is(err, errUnknown1) || errors.Is(err, spec.ErrUnknown)
}

// option1 applies one setting of a frontend.
func (p *parser) option1(route *Route, options *options1, option, value string) error {
	switch option {
	case "rule":
	case "priority":
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("the priority is not a whole number")
		}
		route.Precedence.Priority = max(0, n)
	case "entryPoints":
		route.Entrypoints = spec.List(value)
	case "passHostHeader":
		pass, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("not a boolean")
		}
		route.PassHost = pass
	default:
		return options.set(option, value)
	}
	return nil
}

// rule1 sets what the rule says, or the default rule without one.
func (p *parser) rule1(route *Route, service string, s setting1) bool {
	problem := Problem{Route: route.Name, Tag: s.tag, Offset: s.at}
	text := s.value
	if text == "" {
		problem.Offset = -1
		rendered, err := p.renderRule1(renderRule, p.DefaultRule1, service)
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
		rendered, err := p.renderRule1(renderTag, text, service)
		if err != nil {
			problem.Offset, problem.Reason = -1, "the template of the rule: "+err.Error()
			p.problem(owner, problem)
			return false
		}
		text = rendered
		problem.Offset = -1
	}
	rule := rule1{exact: p.KeepSlash}
	if err := rule.parse(text, p.Patterns); err != nil {
		p.problem(owner, problem.because(err))
		return false
	}
	route.Rule = text
	route.Match = rule.expr()
	if bare := rule.bare(); p.RedirectBare && len(bare) > 0 {
		route.Match = match.Or{route.Match, bare}
	}
	route.Steps = rule.steps()
	for i, step := range route.Steps {
		if s, ok := step.(spec.StripPrefix); ok {
			route.Steps[i] = p.stripping(s)
		}
	}
	route.SlashPaths = rule.slash
	route.Precedence = match.Precedence{
		Class:    match.ByPriority,
		Priority: cmp.Or(route.Precedence.Priority, len(text)),
		Name:     route.Name,
	}
	return true
}

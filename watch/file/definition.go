package file

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/sluiceproxy/sluice/watch"
)

// definition is one service as a file defines it.
type definition struct {
	path    string
	line    int
	service watch.ServiceInfo
	checks  []watch.Check
}

// looseCheck is a check defined beside the services: the node's own, or that
// of the service whose ID it names.
type looseCheck struct {
	path  string
	line  int
	check watch.Check
}

const wholeFile = "the file" // what the outermost object is called in faults

// parseDefinitions reads a file of service definitions.
func parseDefinitions(path, text string) (content, []Fault) {
	root, fault := parseDocument(path, text)
	if fault != nil {
		return content{lost: lost{all: true}}, []Fault{*fault}
	}
	d := decoder{path: path}
	for m := range d.members(root, wholeFile, fileKeys, "service", "services", "check", "checks") {
		switch m.key {
		case "service", "services":
			for _, v := range oneOrMany(m.value) {
				d.takeService(v)
			}
		case "check", "checks":
			for _, v := range oneOrMany(m.value) {
				d.takeCheck(v)
			}
		}
	}
	// A fault beside all definitions may hide one, as a mistyped "services" does.
	d.lost.all = d.lost.all || len(d.faults) > d.placed
	return d.content, d.faults
}

// decoder reads typed things out of a document, and goes on after a fault to
// find them all.
type decoder struct {
	path   string
	faults []Fault
	placed int // of the faults, those in a service or a check
	content
}

// takeService adds a service to the content, or if there is a fault in it to
// what is lost.
func (d *decoder) takeService(v value) {
	before := len(d.faults)
	def := d.service(v)
	if faults := len(d.faults) - before; faults > 0 {
		d.placed += faults
		d.lost.service(def.service)
		return
	}
	def.complete()
	d.services = append(d.services, def)
}

// takeCheck is takeService for a check beside the services.
func (d *decoder) takeCheck(v value) {
	before := len(d.faults)
	loose := d.looseCheck(v)
	if faults := len(d.faults) - before; faults > 0 {
		d.placed += faults
		d.lost.check(loose.check)
		return
	}
	d.checks = append(d.checks, loose)
}

func (d *decoder) fault(line int, format string, args ...any) {
	d.faults = append(d.faults, Fault{d.path, line, fmt.Errorf(format, args...)})
}

func (d *decoder) service(v value) definition {
	def := definition{path: d.path, line: v.line}
	s := &def.service
	s.Weights = watch.Weights{Passing: 1, Warning: 1}
	for m := range d.members(v, "a service", serviceKeys, "check", "checks") {
		switch m.key {
		case "id":
			s.ID = d.text(m)
		case "name":
			s.Name = d.text(m)
		case "tags":
			s.Tags = d.texts(m)
		case "address":
			s.Address = d.text(m)
		case "tagged_addresses":
			s.TaggedAddresses = d.taggedAddresses(m)
		case "meta":
			s.Meta = d.meta(m)
		case "port":
			s.Port = d.integer(m, 0)
		case "socket_path":
			s.SocketPath = d.text(m)
		case "weights":
			s.Weights = d.weights(m)
		case "kind":
			s.Kind = d.text(m)
		case "enable_tag_override":
			s.EnableTagOverride = d.boolean(m)
		case "check", "checks":
			for _, v := range oneOrMany(m.value) {
				def.checks = append(def.checks, d.check(v))
			}
		}
	}
	if _, isObject := v.data.(object); isObject && s.Name == "" {
		d.fault(v.line, `a service needs a "name"`)
	}
	return def
}

func (d *decoder) looseCheck(v value) looseCheck {
	c := d.check(v)
	if _, isObject := v.data.(object); isObject && c.ID == "" && c.Name == "" {
		d.fault(v.line, `a check beside the services needs an "id" or a "name"`)
	}
	c.Type = "" // an agent leaves it out for these
	return looseCheck{d.path, v.line, c}
}

// complete fills in what an agent fills in.
func (def *definition) complete() {
	s := &def.service
	if s.ID == "" {
		s.ID = s.Name
	}
	s.TaggedAddresses = withFamilies(s.TaggedAddresses, s.Address, s.Port)
	for i := range def.checks {
		c := &def.checks[i]
		if c.ID == "" {
			c.ID = "service:" + s.ID
			if len(def.checks) > 1 {
				c.ID += ":" + strconv.Itoa(i+1)
			}
		}
		attach(c, *s)
	}
}

func (d *decoder) taggedAddresses(m member) map[string]watch.ServiceAddress {
	addresses := map[string]watch.ServiceAddress{}
	for named := range d.members(m.value, m.key, nil) {
		var a watch.ServiceAddress
		for f := range d.members(named.value, "a tagged address", addressKeys) {
			switch f.key {
			case "address":
				a.Address = d.text(f)
			case "port":
				a.Port = d.integer(f, 0)
			}
		}
		addresses[named.key] = a
	}
	return addresses
}

func (d *decoder) weights(m member) watch.Weights {
	w := watch.Weights{Passing: 1, Warning: 1}
	for f := range d.members(m.value, m.key, weightKeys) {
		switch f.key {
		case "passing":
			w.Passing = d.integer(f, 1)
		case "warning":
			w.Warning = d.integer(f, 0)
		}
	}
	return w
}

func (d *decoder) meta(m member) map[string]string {
	meta := map[string]string{}
	for f := range d.members(m.value, m.key, nil) {
		name := f.key
		f.key = fmt.Sprintf("meta %q", name)
		meta[name] = d.text(f)
	}
	return meta
}

// members yields the members of v under the proper spelling of their keys.
// A nil set takes every key as it is. Only repeatable keys may come twice. An
// object in a list of one is as good as the object, and null as good as
// nothing, as for an agent.
func (d *decoder) members(v value, what string, keys keySet, repeatable ...string) iter.Seq[member] {
	return func(yield func(member) bool) {
		if list, ok := v.data.([]value); ok && len(list) == 1 {
			v = list[0]
		}
		members, ok := v.data.(object)
		if !ok {
			d.fault(v.line, "%s must be an object, not %s", what, v.kind())
			return
		}
		seen := map[string]int{}
		for _, r := range repeatable {
			seen[r] = -1
		}
		for _, m := range members {
			if keys != nil {
				proper, known := keys[fold(m.key)]
				if !known {
					d.unknown(m, what, keys)
					continue
				}
				m.key = proper
			}
			if first := seen[m.key]; first > 0 {
				d.fault(m.line, "key %q is set twice; first at line %d", m.key, first)
				continue
			} else if first == 0 {
				seen[m.key] = m.line
			}
			if m.data != nil && !yield(m) {
				return
			}
		}
	}
}

func (d *decoder) unknown(m member, what string, keys keySet) {
	_, ofService := serviceKeys[fold(m.key)]
	near := keys.nearest(m.key)
	switch {
	case ofService && what == wholeFile:
		d.fault(m.line, `unknown key %q in %s; a service definition goes inside {"service": {…}}`, m.key, what)
	case near != "":
		d.fault(m.line, "unknown key %q in %s; did you mean %q?", m.key, what, near)
	default:
		d.fault(m.line, "unknown key %q in %s", m.key, what)
	}
}

// oneOrMany is the elements of a list, or the one thing that is none.
func oneOrMany(v value) []value {
	if list, ok := v.data.([]value); ok {
		return list
	}
	return []value{v}
}

func (d *decoder) text(m member) string {
	s, ok := m.data.(string)
	if !ok {
		d.fault(m.value.line, "%s must be a string, not %s", m.key, m.kind())
	}
	return s
}

func (d *decoder) boolean(m member) bool {
	b, ok := m.data.(bool)
	if !ok {
		d.fault(m.value.line, "%s must be true or false, not %s", m.key, m.kind())
	}
	return b
}

// most is the largest port, and Consul's largest weight.
const most = 65535

func (d *decoder) integer(m member, low int) int {
	digits, ok := m.data.(number)
	if !ok {
		d.fault(m.value.line, "%s must be a number, not %s", m.key, m.kind())
		return low
	}
	n, err := strconv.ParseInt(string(digits), 0, 32) // HCL has 0x50 too
	if errors.Is(err, strconv.ErrSyntax) {
		d.fault(m.value.line, "%s must be a whole number, not %s", m.key, digits)
		return low
	}
	if err != nil || int(n) < low || int(n) > most {
		d.fault(m.value.line, "%s must be from %d to %d, not %s", m.key, low, most, digits)
		return low
	}
	return int(n)
}

func (d *decoder) texts(m member) []string {
	list, ok := m.data.([]value)
	if !ok {
		d.fault(m.value.line, "%s must be a list of strings, not %s", m.key, m.kind())
		return nil
	}
	texts := make([]string, 0, len(list))
	for _, v := range list {
		texts = append(texts, d.text(member{"each of " + m.key, v.line, v}))
	}
	return texts
}

package tags

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/internal/unixsock"
)

// Bounds on what one service may ask for, so that a runaway job cannot exhaust
// the load balancer for the others.
const (
	MaxRoutes   = 1000 // of a service, in each dialect
	MaxTag      = 4096 // bytes of a tag
	MaxTags     = 4000 // of an instance
	MaxProblems = 100  // of a service
)

// Parse turns the tags of a service's instances into its definition. All
// instances count, serving or not. The result depends on the instances only,
// not on their order.
func Parse(o Options, service string, instances []Instance) Definition {
	p := parser{Options: o, Definition: Definition{Service: service}}
	for _, i := range instances {
		if o.Meta {
			i = withMeta(i)
		}
		p.views = append(p.views, p.view(i))
	}
	slices.SortFunc(p.views, func(a, b view) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID))
	})
	p.settleDialects()
	if o.Fabio {
		p.fabio()
	}
	if o.Traefik1 {
		p.traefik1()
	}
	if o.Traefik {
		p.traefik()
	}
	p.static()
	p.policy()
	p.DefaultTransports.apply(p.Pools)
	if o.Meta || len(o.FabioPrefixes) > 0 {
		p.nameTags()
	}
	return p.Definition
}

// CanRoute reports whether a service with these tags may ask for a route, by
// the union of its instances' tags: whether its instances need looking at. Metadata
// is found there only.
func CanRoute(o Options, tags []string) bool {
	return o.Meta || o.Exposed == ExposeAll && (o.Traefik || o.Traefik1) ||
		slices.ContainsFunc(tags, func(tag string) bool {
			_, isFabio := o.fabioTag(tag)
			return isFabio || (o.Traefik || o.Traefik1) && strings.HasPrefix(tag, o.TraefikPrefix+".")
		})
}

type parser struct {
	Options
	Definition
	views []view
	// closed is set if something of [policyGuard] makes no sense.
	closed bool
}

// view is an instance with its tags sorted out.
type view struct {
	Instance
	fabio   []string
	other   []string // tags of no use to Fabio
	labels  []label
	policy  []label // without their prefix
	dialect Dialect // Traefik1, Traefik, or empty for neither
}

// label is a tag of the form PREFIX.KEY=VALUE.
type label struct {
	key, value string
	tag        string
	at         int // offset of value in tag
}

func (p *parser) view(i Instance) view {
	v := view{Instance: i}
	tags := i.Tags
	if len(tags) > MaxTags {
		tags = tags[:MaxTags]
		p.problem(i, Problem{
			Offset: -1, Reason: fmt.Sprintf("the instance has more than %d tags (%d); the others are left out", MaxTags, len(i.Tags)),
		})
	}
	for _, tag := range tags {
		fabioTag, isFabio := p.fabioTag(tag)
		if p.Fabio && !isFabio {
			v.other = append(v.other, tag)
		}
		key, isTraefik := strings.CutPrefix(tag, p.TraefikPrefix+".")
		option, isPolicy := strings.CutPrefix(tag, PolicyPrefix)
		switch {
		case !isFabio && !isTraefik && !isPolicy:
		case len(tag) > MaxTag:
			p.problem(i, Problem{
				Tag: tag[:64] + "…", Offset: MaxTag,
				Reason: fmt.Sprintf("the tag has more than %d bytes", MaxTag),
			})
			if isPolicy {
				p.lose(option)
			}
		case isFabio:
			v.fabio = append(v.fabio, fabioTag)
		case !isTraefik:
			p.addPolicy(&v, option, tag)
		default:
			if key, value, ok := strings.Cut(key, "="); ok {
				v.labels = append(v.labels, label{key, value, tag, len(tag) - len(value)})
			}
		}
	}
	return v
}

// settleDialects decides which Traefik dialect each instance speaks, if any.
// Instances that are exposed without saying anything in one follow the rest of
// their service.
func (p *parser) settleDialects() {
	silent := Dialect("")
	mixed := false
	for i := range p.views {
		v := &p.views[i]
		v1 := p.Traefik1 && slices.ContainsFunc(v.labels, label.isTraefik1)
		v3 := p.Traefik && slices.ContainsFunc(v.labels, label.isTraefik)
		switch {
		case v3:
			v.dialect, silent = Traefik, Traefik
		case v1:
			v.dialect, silent = Traefik1, cmp.Or(silent, Traefik1)
		}
		if v1 && v3 && !mixed {
			mixed = true
			tag := v.labels[slices.IndexFunc(v.labels, label.isTraefik1)].redacted()
			p.problem(v.Instance, Problem{
				Tag: tag, Offset: -1,
				Reason: "the tags of Traefik v1 are ignored because there are tags of v2/v3 as well",
				Hint:   "remove one of the two sets",
			})
		}
	}
	silent = cmp.Or(silent, p.DefaultDialect)
	if silent == Traefik && !p.Traefik || silent == Traefik1 && !p.Traefik1 {
		silent = ""
	}
	for i := range p.views {
		v := &p.views[i]
		switch speaks := cmp.Or(v.dialect, silent); p.permission(v, speaks) {
		case forbidden:
			v.dialect = ""
		case permitted:
			v.dialect = speaks
		case unsaid:
			switch p.Exposed {
			case ExposeEnabled:
				v.dialect = ""
			case ExposeAll:
				v.dialect = speaks
			}
		}
		if v.dialect == Traefik && (!p.Constraint.admits(v) || p.isMeshed(v)) || v.dialect == Traefik1 && !p.Constraint1.admits(v) {
			v.dialect = ""
		}
	}
}

// isMeshed reports whether an instance is to be reached through its sidecar in the
// service mesh, which is not supported.
func (p *parser) isMeshed(v *view) bool {
	l, ok := v.find("consulcatalog.connect")
	if on, err := strconv.ParseBool(l.value); !ok || err != nil || !on {
		return false
	}
	p.problem(v.Instance, Problem{
		Tag: l.tag, Offset: l.at,
		Reason: "the instance is to be reached through the service mesh, which is not supported, and gets no requests",
		Hint:   "without the tag it is reached directly",
	})
	return true
}

// permission is what the tags of an instance say of whether it is to be routed.
type permission uint8

const (
	unsaid permission = iota
	permitted
	forbidden
)

// permission is what the first enable tag says, which may be spelled in any case.
// One that makes no sense says nothing in Traefik v1, and takes the instance away
// in v2/v3; so do two that differ.
func (p *parser) permission(v *view, speaks Dialect) permission {
	i := slices.IndexFunc(v.labels, func(l label) bool { return strings.EqualFold(l.key, "enable") })
	if i < 0 {
		return unsaid
	}
	l := v.labels[i]
	enabled, err := strconv.ParseBool(l.value)
	switch {
	case speaks == Traefik && slices.ContainsFunc(v.labels[i+1:], func(o label) bool { return strings.EqualFold(o.key, l.key) && o.value != l.value }):
		p.problem(v.Instance, Problem{Tag: l.tag, Offset: l.at, Reason: "the key is there twice with different values; the instance gets no routes"})
		return forbidden
	case err == nil && enabled:
		return permitted
	case err == nil:
		return forbidden
	case speaks == Traefik:
		p.problem(v.Instance, Problem{Tag: l.tag, Offset: l.at, Reason: "not a boolean; the instance gets no routes", Hint: "true or false"})
		return forbidden
	}
	p.problem(v.Instance, Problem{Tag: l.tag, Offset: l.at, Reason: "not a boolean; the default applies", Hint: "true or false"})
	return unsaid
}

// isTraefik1 reports whether the label makes its instance a Traefik v1 one.
func (l label) isTraefik1() bool {
	for _, start := range []string{"frontend.", "frontends.", "backend."} {
		if strings.HasPrefix(l.key, start) {
			return true
		}
	}
	return strings.EqualFold(l.key, "protocol") || strings.EqualFold(l.key, "weight")
}

// isTraefik is the same for Traefik v2/v3.
func (l label) isTraefik() bool {
	root, _, dotted := strings.Cut(l.key, ".")
	switch strings.ToLower(root) {
	case "http", "tcp", "udp", "tls":
		return dotted
	}
	return false
}

// redacted is the tag, without its value if that may be a secret.
func (l label) redacted() string {
	key := strings.ToLower(l.key)
	for _, word := range []string{"auth", "headers", "plugin", "redis", "secret", "jwt.key"} {
		if strings.Contains(key, word) {
			return l.tag[:l.at] + "…"
		}
	}
	return l.tag
}

// problem reports a problem of one instance. The same problem of several is
// one.
func (p *parser) problem(i Instance, new Problem) {
	for n := range p.Problems {
		old := &p.Problems[n]
		if old.Tag == new.Tag && old.Reason == new.Reason && old.Route == new.Route && old.Offset == new.Offset {
			if old.Instance != i.ID || old.Node != i.Node {
				old.Instances++
			}
			return
		}
	}
	if len(p.Problems) == MaxProblems {
		new = Problem{Offset: -1, Reason: fmt.Sprintf("the service has more than %d problems; the others are not listed", MaxProblems)}
	}
	if len(p.Problems) > MaxProblems {
		return
	}
	new.Service, new.Instance, new.Node, new.Instances = p.Service, i.ID, i.Node, 1
	p.Problems = append(p.Problems, new)
}

// endpoint is where an instance is reached, if it can be.
func (p *parser) endpoint(i Instance, port int) (e Endpoint, ok bool) {
	address := ""
	switch {
	case i.Socket != "" && port <= 0:
		path := filepath.Clean(i.Socket)
		if err := p.mayReach(path); err != nil {
			p.problem(i, Problem{Offset: -1, Reason: err.Error() + ", and gets no requests", Hint: "lb { socket_folders } says where services have theirs"})
			return Endpoint{}, false
		}
		address = unixsock.Prefix + path
	case i.Address == "" || port <= 0:
		p.problem(i, Problem{Offset: -1, Reason: "the instance has no address or no port, and gets no requests"})
		return Endpoint{}, false
	default:
		address = net.JoinHostPort(i.Address, strconv.Itoa(port))
	}
	return Endpoint{
		Scheme:   "http",
		Address:  address,
		Weight:   max(1, i.Weight),
		Serving:  i.Serving,
		Retired:  i.Retired,
		Instance: i.ID,
		Node:     i.Node,
		Service:  p.Service,
		Zone:     i.Zone,
	}, true
}

// mayReach says why a socket may not be connected to.
func (o *Options) mayReach(path string) error {
	if err := unixsock.Check(path); err != nil {
		return err
	}
	for _, folder := range o.Sockets {
		if within, err := filepath.Rel(folder, path); err == nil && filepath.IsLocal(within) {
			return nil
		}
	}
	return fmt.Errorf("the socket %s is in none of the folders that sockets may be in", path)
}

// tooMany reports whether a dialect's routes are as many as a service may have.
// Each dialect counts for itself.
func (p *parser) tooMany(i Instance, routes int) bool {
	if routes < MaxRoutes {
		return false
	}
	p.problem(i, Problem{
		Offset: -1, Reason: fmt.Sprintf("the service has more than %d routes; the others are left out", MaxRoutes),
	})
	return true
}

package tags

import (
	"cmp"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// fabioTag is one parsed tag of the form PREFIX SRC [OPTION]...
type fabioTag struct {
	src   fabioSource
	strip string
	add   string
	// host is the value of the host option: a name, "dst" or nothing.
	host  string
	share float64
	// ignored are options that have no effect here although they have in Fabio.
	ignored []string
}

// fabioError is why a tag is not served, with the offset behind the prefix.
type fabioError struct {
	offset       int
	reason, hint string
}

func (p *parser) fabio() {
	var routes []*fabioRoute
	for _, v := range p.views {
		for _, text := range v.fabio {
			tag, err := parseFabio(text[len(p.FabioPrefix):], v.Datacenter)
			if err != nil {
				p.problem(v.Instance, Problem{
					Route: tag.src.String(), Tag: text, Offset: len(p.FabioPrefix) + err.offset, Reason: err.reason, Hint: err.hint,
				})
				continue
			}
			for _, option := range tag.ignored {
				p.problem(v.Instance, Problem{
					Tag: text, Offset: strings.Index(text, option), Reason: "option " + option + " is not supported yet and ignored",
				})
			}
			i := slices.IndexFunc(routes, func(r *fabioRoute) bool { return r.is(tag) })
			if i < 0 {
				if p.tooMany(v.Instance, len(routes)) {
					continue
				}
				i = len(routes)
				routes = append(routes, &fabioRoute{tag: tag, text: text, first: v.Instance})
			}
			routes[i].instances = append(routes[i].instances, fabioInstance{v.Instance, tag.share})
		}
	}
	for _, r := range routes {
		p.addFabio(r)
	}
}

// fabioRoute is a tag with the instances that carry it.
type fabioRoute struct {
	tag       fabioTag
	text      string
	first     Instance
	instances []fabioInstance
}

type fabioInstance struct {
	Instance
	share float64
}

// is reports whether the tags differ in nothing but the weight.
func (r *fabioRoute) is(tag fabioTag) bool {
	return r.tag.src == tag.src && r.tag.strip == tag.strip && r.tag.add == tag.add && r.tag.host == tag.host
}

func (p *parser) addFabio(r *fabioRoute) {
	name := r.tag.src.String()
	pool := Pool{Name: name + r.tag.options(), Dialect: Fabio, PassHost: true, Service: p.Service}
	for n, i := range r.instances {
		if slices.ContainsFunc(r.instances[:n], func(known fabioInstance) bool {
			return known.ID == i.ID && known.Node == i.Node
		}) {
			continue // the tag twice
		}
		pool.Origin = pool.Origin.with(i.Instance)
		if e, ok := p.endpoint(i.Instance, i.Port); ok {
			e.Share = i.share
			pool.Endpoints = append(pool.Endpoints, e)
		}
	}
	p.Pools = append(p.Pools, pool)
	route := Route{
		Name:       name,
		Dialect:    Fabio,
		Service:    p.Service,
		Rule:       strings.TrimSpace(r.text[len(p.FabioPrefix):]),
		Match:      r.tag.src.expr(),
		Precedence: r.tag.src.precedence(),
		Steps:      r.tag.steps(),
		PassHost:   r.tag.host == "",
		Pool:       pool.Name,
		Origin:     pool.Origin,
		Tag:        r.text,
		Instance:   r.first.ID,
		Node:       r.first.Node,
	}
	if r.tag.host != "dst" {
		route.Host = r.tag.host
	}
	p.Routes = append(p.Routes, route)
}

// options are the options that make routes of one source differ.
func (t fabioTag) options() string {
	var text strings.Builder
	for _, o := range []struct{ key, value string }{{"strip", t.strip}, {"prepend", t.add}, {"host", t.host}} {
		if o.value != "" {
			text.WriteString(" " + o.key + "=" + o.value)
		}
	}
	return text.String()
}

func (t fabioTag) steps() (steps []spec.Middleware) {
	if t.strip != "" {
		steps = append(steps, spec.StripPrefix{Prefixes: []string{t.strip}, AlwaysForwarded: true})
	}
	if t.add != "" {
		steps = append(steps, spec.AddPrefix{Prefix: t.add})
	}
	return steps
}

// parseFabio parses what follows the prefix of a tag.
func parseFabio(text, datacenter string) (t fabioTag, err *fabioError) {
	at := 0
	word := func() string {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t"))
		end := strings.IndexAny(text[at:], " \t")
		if end < 0 {
			end = len(text) - at
		}
		return text[at : at+end]
	}
	src := word()
	if src == "" {
		return t, &fabioError{at, "there is no host and path", "host/path, or /path for any host"}
	}
	t.src, err = parseFabioSource(src, datacenter)
	if err != nil {
		err.offset = at + min(err.offset, len(src)) // variables may have made it longer
		return t, err
	}
	at += len(src)
	for option := word(); option != ""; option = word() {
		if err := t.option(option); err != nil {
			err.offset += at
			return t, err
		}
		at += len(option)
	}
	if t.src.host == "" && t.src.port != "" {
		return t, &fabioError{0, "a port without a host needs proto=tcp, which is not supported yet", ""}
	}
	return t, nil
}

func (t *fabioTag) option(option string) *fabioError {
	key, value, _ := strings.Cut(option, "=")
	switch key {
	case "strip":
		t.strip = value
	case "prepend":
		if value != "" {
			t.add = "/" + strings.TrimPrefix(value, "/")
		}
	case "host":
		t.host = value
	case "weight":
		share, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(share) || math.IsInf(share, 0) {
			return &fabioError{len(option) - len(value), "the weight is not a number", "weight=0.3 is three tenths of the traffic"}
		}
		t.share = max(0, share)
	case "proto":
		switch value {
		case "tcp", "https", "grpc", "grpcs":
			return &fabioError{0, "option " + option + " is not supported yet", ""}
		}
	case "allow", "deny", "auth", "redirect":
		// Without these the route would be open, or go where it must not.
		return &fabioError{0, "option " + key + " is not supported yet", ""}
	case "register":
		t.ignored = append(t.ignored, key)
	}
	return nil
}

// fabioSource is a pattern host[:port]/path. The host may be a glob.
type fabioSource struct{ host, port, path string }

func parseFabioSource(src, datacenter string) (s fabioSource, err *fabioError) {
	src = os.Expand(src, func(name string) string {
		if name == "DC" {
			return datacenter
		}
		return ""
	})
	host, path, _ := strings.Cut(src, "/")
	s = fabioSource{host: strings.ToLower(host), path: "/" + path}
	if i := strings.LastIndexByte(s.host, ':'); i >= 0 && i > strings.LastIndexByte(s.host, ']') {
		s.host, s.port = s.host[:i], s.host[i+1:]
		if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
			return s, &fabioError{i + 1, "the port is not a number from 1 to 65535", ""}
		}
	}
	if _, ok := globs(s.host); !ok {
		return s, &fabioError{0, "the host is not a valid pattern", "in a pattern, * ? [abc] and {a,b} are special"}
	}
	return s, nil
}

func (s fabioSource) String() string {
	if s.port == "" {
		return s.host + s.path
	}
	return s.host + ":" + s.port + s.path
}

func (s fabioSource) precedence() match.Precedence {
	return match.Precedence{Class: match.BySpecificity, Host: s.host, Port: s.port, Path: s.path, Name: s.String()}
}

// expr is the condition of a source. The pattern stands for the whole Host
// field, so without a port it holds only for requests without one; a star at
// its end takes in the port as well.
func (s fabioSource) expr() match.Expr {
	all := match.And{}
	if s.host != "" {
		name, dotted := strings.CutSuffix(s.host, ".")
		all = append(all, hostPattern(name))
		if dotted {
			all = append(all, match.Not{X: match.Undotted{}})
		} else if !strings.HasSuffix(s.host, "*") {
			all = append(all, match.Undotted{})
		}
		if s.port != "" || !strings.HasSuffix(s.host, "*") {
			port, _ := strconv.ParseUint(cmp.Or(s.port, "0"), 10, 16)
			all = append(all, match.Port{Number: uint16(port)})
		}
	}
	return append(all, match.PathPrefix{Text: s.path})
}

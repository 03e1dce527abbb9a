package tags

import (
	"slices"
	"strings"
)

// fabioRoute is a pattern with its options, and the targets that ask for it.
type fabioRoute struct {
	tag     fabioTag // of the first target
	text    string   // the tag or command
	first   Instance
	targets []fabioTarget
}

// fabioTarget is one target of a route: an instance of the catalog, or what a
// manual route names.
type fabioTarget struct {
	Instance
	share float64
	// split is above 0 if the share is that of all targets with this number.
	split int32
	tags  []string // without those that route
}

func (p *parser) fabio() {
	var routes fabioRoutes
	for _, v := range p.views {
		for _, text := range v.fabio {
			tag, err := p.parseFabio(text[len(p.FabioPrefix):], v.Datacenter)
			if err != nil {
				p.problem(v.Instance, Problem{
					Route: tag.src.String(), Tag: text, Offset: len(p.FabioPrefix) + err.offset, Reason: err.reason, Hint: err.hint,
				})
				continue
			}
			if fault := tag.closed; fault != nil {
				p.problem(v.Instance, Problem{
					Tag: text, Offset: len(p.FabioPrefix) + fault.offset, Reason: fault.reason, Hint: fault.hint,
				})
			}
			if tag.negative {
				p.problem(v.Instance, Problem{Tag: text, Offset: max(0, strings.Index(text, "weight=")), Reason: "the weight is below 0 and counts for nothing"})
			}
			if tag.empty != "" {
				p.problem(v.Instance, Problem{
					Tag: text, Offset: max(0, strings.Index(text, " "+tag.empty)) + 1, Reason: tag.empty + " is empty and restricts nobody",
					Hint: "leave it out if that is meant",
				})
			}
			target := fabioTarget{Instance: v.Instance, share: tag.share, tags: v.other}
			switch routes.add(tag, text, target) {
			case tooManyRoutes:
				p.tooMany(v.Instance, MaxRoutes)
			case otherShare:
				p.problem(v.Instance, Problem{
					Tag: text, Offset: max(0, strings.Index(text, "weight=")),
					Reason: "the instance asks for the route with another weight as well, which counts", Hint: "one tag of a source for each instance",
				})
			}
		}
	}
	p.Commands.apply(p, &routes)
	for _, r := range routes {
		p.addFabio(r)
	}
}

// fabioRoutes are those of one service.
type fabioRoutes []*fabioRoute

// addition is what became of a target that was to be added.
type addition uint8

const (
	added addition = iota
	otherShare
	tooManyRoutes
)

// add adds a target to the route of its tag, unless that would be one route too
// many, or the target is there already.
func (all *fabioRoutes) add(tag fabioTag, text string, target fabioTarget) addition {
	i := slices.IndexFunc(*all, func(r *fabioRoute) bool { return r.tag.is(tag) })
	if i < 0 {
		if len(*all) == MaxRoutes {
			return tooManyRoutes
		}
		i = len(*all)
		*all = append(*all, &fabioRoute{tag: tag, text: text, first: target.Instance})
	}
	r := (*all)[i]
	known := slices.IndexFunc(r.targets, func(known fabioTarget) bool {
		return known.ID == target.ID && known.Node == target.Node
	})
	switch {
	case known < 0:
		r.targets = append(r.targets, target)
	case r.targets[known].share != target.share:
		return otherShare
	}
	return added // or it is the tag twice
}

func (p *parser) addFabio(r *fabioRoute) {
	tag := r.tag
	if tag.register != "" && !slices.Contains(p.Aliases, tag.register) {
		p.Aliases = append(p.Aliases, tag.register)
	}
	name := tag.src.String()
	pool := Pool{Name: strings.TrimSpace(name + tag.String()), Dialect: Fabio, PassHost: true, Service: p.Service}
	for _, target := range r.targets {
		pool.Origin = pool.Origin.with(target.Instance)
	}
	if tag.redirect.Code != 0 {
		pool.Endpoints = []Endpoint{r.redirectEndpoint()}
	} else {
		pool.Endpoints = p.fabioEndpoints(r)
	}
	p.Pools = append(p.Pools, pool)
	if tag.isStream() {
		p.TCPRoutes = append(p.TCPRoutes, p.fabioTCP(r, pool))
		return
	}
	route := Route{
		Declaration: p.fabioDeclaration(r, name, pool),
		Precedence:  p.fabioPrecedence(tag.src, name),
		Steps:       p.fabioSteps(tag.fabioOptions),
		PassHost:    tag.host == "",
	}
	route.Match = p.fabioMatch(tag)
	if tag.host != "dst" {
		route.Host = tag.host
	}
	if _, known := p.FabioAuth[tag.auth]; !known && tag.auth != "" {
		p.problem(r.first, unknownAuth(tag.auth, r.text))
	}
	if tag.redirect.Code != 0 {
		route.Applies = tag.elsewhere()
	}
	p.Routes = append(p.Routes, route)
	if p.FabioNames && tag.isName() {
		p.addImplied(r, pool)
	}
}

// fabioEndpoints are the targets of a route that does not redirect.
func (p *parser) fabioEndpoints(r *fabioRoute) (all []Endpoint) {
	for _, target := range r.targets {
		e, ok := p.endpoint(target.Instance, target.Port)
		if !ok {
			continue
		}
		e.Scheme, e.Share, e.Split = r.tag.spoken(), target.share, target.split
		if e.Scheme == "https" {
			e.SkipVerify, e.ServerName = r.tag.skipVerify, r.tag.serverName()
		}
		all = append(all, e)
	}
	return all
}

// spoken is the scheme of endpoints. A call of gRPC is spoken in HTTP/2 to targets
// with TLS anyway.
func (t fabioTag) spoken() string {
	switch t.proto {
	case "grpc":
		return "h2c"
	case "grpcs":
		return "https"
	}
	return t.scheme()
}

// serverName is the name in the certificate of a target with TLS; empty is the host
// of its address.
func (t fabioTag) serverName() string {
	switch {
	case t.proto == "grpcs" && t.grpcName != "":
		return t.grpcName
	case t.host == "dst":
		return ""
	}
	return t.host
}

// redirectEndpoint stands for the place a redirect leads to: of all instances that
// ask for it, as Fabio has it, that is one target. It is there as long as one of
// them serves.
func (r *fabioRoute) redirectEndpoint() Endpoint {
	target := r.targets[max(0, slices.IndexFunc(r.targets, func(t fabioTarget) bool { return t.Serving }))]
	return Endpoint{
		Scheme: SchemeRedirect, Address: r.tag.redirect.URL, Weight: max(1, target.Weight), Share: target.share, Split: target.split,
		Serving: target.Serving, Retired: target.Retired, Instance: target.ID, Node: target.Node, Zone: target.Zone,
	}
}

// isCommand tells commands from tags.
func (p *parser) isCommand(text string) bool { return !strings.HasPrefix(text, p.FabioPrefix) }

// isName reports whether the tag stands for a host as a whole, and for its own
// targets.
func (t fabioTag) isName() bool {
	s := t.src
	return s.host != "" && s.port == "" && s.path == "/" && t.redirect.Code == 0 && !isGlob(strings.TrimPrefix(s.host, "*."))
}

// addImplied adds the route of TLS connections to that of requests, whose pool
// is given.
func (p *parser) addImplied(r *fabioRoute, pool Pool) {
	pool.Name += " proto=tcp+sni"
	pool.Endpoints = slices.Clone(pool.Endpoints)
	for i := range pool.Endpoints {
		e := &pool.Endpoints[i]
		e.Scheme, e.ServerName, e.SkipVerify = "tcp", "", false
	}
	p.Pools = append(p.Pools, pool)
	route := p.fabioTCP(r, pool)
	route.Name, route.Implied = r.tag.src.String()+" proto=tcp+sni", true
	p.TCPRoutes = append(p.TCPRoutes, route)
}

func (p *parser) fabioDeclaration(r *fabioRoute, name string, pool Pool) Declaration {
	return Declaration{
		Name:     name,
		Dialect:  Fabio,
		Service:  p.Service,
		Rule:     strings.TrimSpace(strings.TrimPrefix(r.text, p.FabioPrefix)),
		Pool:     pool.Name,
		Origin:   pool.Origin,
		Tag:      r.text,
		Manual:   p.isCommand(r.text),
		Instance: r.first.ID,
		Node:     r.first.Node,
	}
}

// fabioTCP is the route of a tag with proto=tcp, as parseFabio has let through.
func (p *parser) fabioTCP(r *fabioRoute, pool Pool) TCPRoute {
	route := TCPRoute{
		Declaration: p.fabioDeclaration(r, r.tag.src.String()+" proto="+r.tag.proto, pool),
		Access:      r.tag.access(),
		UDP:         r.tag.proto == "udp",
	}
	if r.tag.src.port == "" {
		route.ServerName = r.tag.src.host
	} else {
		route.Address = r.tag.src.host + ":" + r.tag.src.port
	}
	if r.tag.pxyProto && !route.UDP {
		route.ProxyProtocol = 1
	}
	return route
}

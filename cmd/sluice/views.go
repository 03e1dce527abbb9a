package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/guard"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/watch"
)

// The views are the plain values the admin API and the tools show. Their field
// names are part of the API.

// routeView is one route.
type routeView struct {
	// Network is "tcp" or "udp" for a route of connections or datagrams that are
	// passed on as they are.
	Network     string     `json:"network,omitempty"`
	Name        string     `json:"name"`
	Dialect     string     `json:"dialect"`
	Service     string     `json:"service"`
	Rule        string     `json:"rule"`
	Matches     string     `json:"matches"`
	Priority    int        `json:"priority,omitempty"`
	Entrypoints []string   `json:"entrypoints,omitempty"`
	Middlewares []string   `json:"middlewares,omitempty"`
	Steps       []stepView `json:"steps,omitempty"`
	// Doors are the steps of listeners, by their names, which come before.
	Doors map[string][]stepView `json:"listeners,omitempty"`
	Path  []pathView            `json:"path,omitempty"`
	Host  string                `json:"host,omitempty"`
	// RedirectsTo is the URL that a route of Fabio redirects to, with its variables.
	RedirectsTo string         `json:"redirects_to,omitempty"`
	Endpoints   []endpointView `json:"endpoints"`
	MadeBy      originView     `json:"made_by"`
	// Composition is of a route whose service is composed of others.
	Composition *compositionView `json:"composition,omitempty"`
	// Policy is where tags of no dialect say how requests are spread.
	Policy *policyView `json:"policy,omitempty"`
	// Variants are what the route is made of if instances ask for it with
	// different options.
	Variants []routeView `json:"variants,omitempty"`
	// Forwarded is what the targets of a variant would see of a request that is
	// explained, Refused why they would not.
	Forwarded string `json:"forwarded,omitempty"`
	Refused   string `json:"refused,omitempty"`
}

// originView is where a route was found.
type originView struct {
	// Source is the place in the configuration, Tag the tag of an instance on a
	// node, one of several perhaps.
	Source    string `json:"source,omitempty"`
	Tag       string `json:"tag,omitempty"`
	Instance  string `json:"instance,omitempty"`
	Node      string `json:"node,omitempty"`
	Instances int    `json:"instances,omitempty"`
}

// stepView is one middleware. What it was told may be a secret, so it is not
// shown.
type stepView struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"`
}

func (s stepView) String() string {
	if s.Name == "" {
		return s.Kind
	}
	return s.Kind + " (" + s.Name + ")"
}

// pathView is one change of the path.
type pathView struct {
	Strip []string `json:"strip,omitempty"`
	Add   string   `json:"add,omitempty"`
}

// endpointView is one instance behind a route.
type endpointView struct {
	Address  string `json:"address"`
	Instance string `json:"instance"`
	Node     string `json:"node"`
	Weight   int    `json:"weight"`
	Serving  bool   `json:"serving"`
	// Eligible is set if it gets requests now: it is serving, has a weight and no
	// check or failed request speaks against it.
	Eligible bool   `json:"eligible"`
	Zone     string `json:"zone,omitempty"`
	// Far is set while only others are sent requests that are nearer.
	Far bool `json:"far,omitempty"`
}

// problemView is something that could not be honoured.
type problemView struct {
	// Origin is what kind of thing it is about: "tag", "file" or "key".
	Origin   string `json:"origin"`
	Service  string `json:"service,omitempty"`
	Instance string `json:"instance,omitempty"`
	Node     string `json:"node,omitempty"`
	Route    string `json:"route,omitempty"`
	Tag      string `json:"tag,omitempty"`
	// Offset is the byte of Tag at which the fault was found, or -1.
	Offset int    `json:"offset"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// guardView is what is kept of instances that were lost.
type guardView struct {
	Holding   bool           `json:"holding"`
	Since     *time.Time     `json:"since,omitempty"`
	Until     *time.Time     `json:"until,omitempty"`
	Instances int            `json:"instances"`
	Services  map[string]int `json:"services"`
	Trips     uint64         `json:"trips"`
}

// templateView is one template.
type templateView struct {
	Source      string     `json:"source"`
	Destination string     `json:"destination"`
	Command     string     `json:"command,omitempty"`
	State       string     `json:"state"`
	WaitingFor  []string   `json:"waiting_for,omitempty"`
	Error       string     `json:"error,omitempty"`
	Sharing     string     `json:"sharing,omitempty"`
	Generation  uint64     `json:"generation"`
	Written     *time.Time `json:"written,omitempty"`
	Confirmed   *time.Time `json:"confirmed,omitempty"`
	Retry       *time.Time `json:"retry,omitempty"`
}

// watchView is one query.
type watchView struct {
	Query      string     `json:"query"`
	Consumers  []string   `json:"consumers"`
	Known      bool       `json:"known"`
	Mode       string     `json:"mode,omitempty"`
	Index      uint64     `json:"index"`
	AgeSeconds float64    `json:"age_seconds"`
	Error      string     `json:"error,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Tries      int        `json:"tries,omitempty"`
	Filtered   bool       `json:"filtered,omitempty"`
}

// watcherView is the watch layer as a whole.
type watcherView struct {
	Generation     uint64      `json:"generation"`
	Connections    int         `json:"connections"`
	MaxConnections int         `json:"max_connections"`
	Queries        []watchView `json:"queries"`
}

func routesView(t *lb.Table) []routeView {
	views := []routeView{}
	if t == nil {
		return views
	}
	for _, r := range t.Routes() {
		view := viewRoute(r)
		view.viewVariants(r)
		views = append(views, view)
	}
	for _, r := range t.TCPRoutes() {
		view := viewTCPRoute(r)
		view.viewTCPVariants(r)
		views = append(views, view)
	}
	slices.SortStableFunc(views, func(a, b routeView) int {
		return cmp.Or(cmp.Compare(a.Dialect, b.Dialect), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Name, b.Name))
	})
	return views
}

func viewRoute(r *lb.Route) routeView {
	v := viewLinked(&r.Declaration, &r.Linked, r.Steps)
	v.Priority, v.Host = r.Precedence.Priority, r.Host
	for _, step := range r.Steps {
		switch s := step.Spec.(type) {
		case spec.StripPrefix:
			v.Path = append(v.Path, pathView{Strip: s.Prefixes})
		case spec.AddPrefix:
			v.Path = append(v.Path, pathView{Add: s.Prefix})
		case spec.Redirect:
			v.RedirectsTo = s.URL
		}
	}
	for listener, steps := range r.Doors {
		if v.Doors == nil {
			v.Doors = map[string][]stepView{}
		}
		for _, step := range steps {
			v.Doors[listener] = append(v.Doors[listener], stepView{step.Spec.Kind(), step.Name})
		}
	}
	return v
}

// viewLinked is what routes of requests and of connections have in common.
func viewLinked(d *tags.Declaration, l *lb.Linked, steps []lb.Step) routeView {
	v := routeView{
		Name:        d.Name,
		Dialect:     string(d.Dialect),
		Service:     d.Service,
		Rule:        d.Rule,
		Matches:     l.Match.String(),
		Entrypoints: l.Entrypoints,
		Middlewares: d.Middlewares,
		MadeBy:      originView{Source: d.Source, Tag: d.Tag, Instance: d.Instance, Node: d.Node},
		Policy:      viewPolicy(l.Policy),
		Endpoints:   append([]endpointView{}, viewEndpoints(l.Endpoints, l.Pool)...),
		Composition: viewComposition(l.Outline()),
	}
	for _, step := range steps {
		v.Steps = append(v.Steps, stepView{step.Spec.Kind(), step.Name})
	}
	if d.Source == "" {
		v.MadeBy.Instances = int(d.Origin.Instances)
	}
	return v
}

// viewVariants adds the variants of a route to its view.
func (v *routeView) viewVariants(r *lb.Route) {
	for _, variant := range r.Variants() {
		v.Variants = append(v.Variants, viewRoute(variant))
	}
	if v.Variants != nil {
		v.Host = "" // that of one of them
	}
}

func viewTCPRoute(r *lb.TCPRoute) routeView {
	v := viewLinked(&r.Declaration, &r.Linked, r.Steps)
	v.Network, v.Priority = "tcp", r.Priority
	if r.UDP {
		v.Network, v.Rule = "udp", "udp "+r.Name
	}
	return v
}

// viewTCPVariants is viewVariants for connections.
func (v *routeView) viewTCPVariants(r *lb.TCPRoute) {
	for _, variant := range r.Variants() {
		v.Variants = append(v.Variants, viewTCPRoute(variant))
	}
}

func viewEndpoints(endpoints []tags.Endpoint, pool *target.Pool) (views []endpointView) {
	weights, refused, far := map[string]int{}, map[string]bool{}, map[string]bool{}
	reach := pool.Reach()
	for i, m := range pool.Members() {
		weights[m.Key.Address], refused[m.Key.Address] = m.Weight, !pool.Takes(pool.Targets()[i])
		far[m.Key.Address] = m.Circle > reach
	}
	for _, e := range endpoints {
		weight, known := weights[e.Address] // shares have become weights there
		if !known {
			weight = e.Weight
		}
		views = append(views, endpointView{
			Address: e.Address, Instance: e.Instance, Node: e.Node, Weight: weight, Serving: e.Serving,
			Eligible: e.Serving && weight > 0 && !refused[e.Address] && !far[e.Address],
			Zone:     e.Zone, Far: far[e.Address],
		})
	}
	return views
}

func tagProblems(all []tags.Problem) []problemView {
	var views []problemView
	for _, p := range all {
		origin := "tag"
		if p.Source != "" {
			origin = "key"
		}
		views = append(views, problemView{
			Origin: origin, File: p.Source, Service: p.Service, Instance: p.Instance, Node: p.Node, Route: p.Route,
			Tag: p.Tag, Offset: p.Offset, Reason: p.Reason, Hint: p.Hint,
		})
	}
	return views
}

func templatesView(all []render.TemplateStatus) []templateView {
	views := []templateView{}
	for _, t := range all {
		views = append(views, templateView{
			Source:      t.Source,
			Destination: t.Destination,
			Command:     t.Command,
			State:       string(t.State),
			Sharing:     t.Sharing,
			WaitingFor:  missingOf(t.Missing),
			Error:       errorText(t.Err),
			Generation:  t.Generation,
			Written:     timeOrNil(t.Written),
			Confirmed:   timeOrNil(t.Confirmed),
			Retry:       timeOrNil(t.Retry),
		})
	}
	return views
}

func watchesView(s watch.Status) watcherView {
	v := watcherView{Generation: s.Generation, Connections: s.Connections, MaxConnections: s.Max, Queries: []watchView{}}
	for _, q := range s.Queries {
		v.Queries = append(v.Queries, watchView{
			Query:      q.Query.String(),
			Consumers:  q.Consumers,
			Known:      q.Known,
			Mode:       q.Mode,
			Index:      q.Index,
			AgeSeconds: q.Age.Seconds(),
			Error:      errorText(q.Err),
			Since:      timeOrNil(q.Since),
			Tries:      q.Tries,
			Filtered:   q.Filtered,
		})
	}
	return v
}

func viewGuard(s guard.State) guardView {
	v := guardView{s.Holding, timeOrNil(s.Since), timeOrNil(s.Until), s.Instances, s.Held, s.Trips}
	if v.Services == nil {
		v.Services = map[string]int{}
	}
	return v
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

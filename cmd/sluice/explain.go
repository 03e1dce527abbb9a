package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// explanation is what would become of a request.
type explanation struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Entrypoint is the listener the request was taken to come in at; empty is any.
	Entrypoint string `json:"entrypoint,omitempty"`
	// Status is what sluice would answer itself; 0 if a target would.
	Status     int             `json:"status,omitempty"`
	Route      *routeView      `json:"route,omitempty"`
	Redirect   string          `json:"redirect,omitempty"`
	Forwarded  string          `json:"forwarded,omitempty"`
	Candidates []candidateView `json:"candidates"`
	// Problems is how many there are with tags: a route that is missing here may be
	// one of them.
	Problems int `json:"problems,omitempty"`
}

// candidateView is a route that came into question.
type candidateView struct {
	Name    string `json:"name"`
	Dialect string `json:"dialect"`
	Service string `json:"service"`
	Rule    string `json:"rule"`
	Matched bool   `json:"matched"`
	Reason  string `json:"reason"`
}

// explain says where a request would go, and why.
func (p program) explain(ctx context.Context, args []string) error {
	var t toolFlags
	cl, c, done, err := p.loadTool(args, explainUsage, t.fromFlags(t.jsonFlag(), t.headerFlag())...)
	if err != nil || done {
		return err
	}
	method, target, err := questionOf(cl.Args)
	if err != nil {
		return err
	}
	var e explanation
	if t.standsAlone(c) {
		table, _, err := p.readTable(ctx, c)
		if err != nil {
			return err
		}
		header := http.Header{}
		for _, line := range t.headers {
			name, value, _ := headerOf(line) // as the flag has let through
			header.Add(name, value)
		}
		if e, err = explainView(table, method, target, header); err != nil {
			return exit.With(exit.Flags, err)
		}
	} else {
		query := url.Values{"method": {method}, "url": {target}, "header": t.headers}
		if err := t.ask(ctx, c, "/api/explain?"+query.Encode(), &e); err != nil {
			return err
		}
	}
	if t.json {
		err = p.printJSON(e)
	} else {
		e.write(p.stdout)
	}
	if err == nil && e.Route == nil {
		return errNegative
	}
	return err
}

// questionOf reads "[METHOD] URL".
func questionOf(args []string) (method, target string, err error) {
	switch len(args) {
	case 1:
		return http.MethodGet, args[0], nil
	case 2:
		return args[0], args[1], nil
	}
	return "", "", exit.With(exit.Flags, errors.New("a URL to explain is missing, or there is too much: sluice explain [flags] [METHOD] URL (see sluice explain -h)"))
}

func explainView(table *lb.Table, method, target string, header http.Header) (explanation, error) {
	e := explanation{Method: method, URL: target, Candidates: []candidateView{}}
	if table == nil {
		e.Status = http.StatusServiceUnavailable
		return e, nil
	}
	e.Problems = len(table.Problems())
	if lb.IsTCPQuestion(target) {
		err := e.explainTCP(table)
		return e, err
	}
	q := lb.Question{Method: method, URL: target}
	for name, values := range header {
		for _, value := range values {
			q.Header.Add(name, value)
		}
	}
	a, err := table.Ask(q)
	if err != nil {
		return e, err
	}
	for _, c := range a.Candidates {
		e.Candidates = append(e.Candidates, candidateView{
			Name: c.Route.Name, Dialect: string(c.Route.Dialect), Service: c.Route.Service,
			Rule: c.Route.Rule, Matched: c.Matched, Reason: c.Reason,
		})
	}
	if a.Route == nil {
		e.Status = http.StatusNotFound
		return e, nil
	}
	route := viewRoute(a.Route)
	for _, way := range a.Ways {
		variant := viewRoute(way.Variant)
		variant.Forwarded, variant.Refused = way.Forwarded, errorText(way.Err)
		route.Variants, route.Host = append(route.Variants, variant), "" // which is that of one of them
	}
	e.Route, e.Redirect, e.Forwarded, e.Entrypoint = &route, a.Redirect, a.Forwarded, a.Entrypoint
	switch {
	case e.Redirect != "":
		e.Status = http.StatusMovedPermanently
	case route.RedirectsTo != "" && route.Variants == nil:
		e.Forwarded = ""
	case !serves(a.Route):
		e.Status = http.StatusServiceUnavailable
	}
	return e, nil
}

// serves reports whether an instance of the route's service is healthy.
func serves(r *lb.Route) bool {
	if o := r.Outline(); o != nil {
		return o.Serves()
	}
	return slices.ContainsFunc(r.Endpoints, func(e tags.Endpoint) bool { return e.Serving })
}

// explainTCP is explainView for connections.
func (e *explanation) explainTCP(table *lb.Table) error {
	a, err := table.AskTCP(e.URL)
	if err != nil {
		return err
	}
	e.Method = "CONNECT"
	for _, c := range a.Candidates {
		e.Candidates = append(e.Candidates, candidateView{
			Name: c.Route.Name, Dialect: string(c.Route.Dialect), Service: c.Route.Service,
			Rule: c.Route.Rule, Matched: c.Matched, Reason: c.Reason,
		})
	}
	if a.Route != nil {
		route := viewTCPRoute(a.Route)
		route.viewTCPVariants(a.Route)
		e.Route = &route
	}
	return nil
}

func (e explanation) write(w io.Writer) {
	makePrintable(&e)
	e.writeAnswer(w)
	if e.Problems > 0 {
		fmt.Fprintf(w, "%d %s with tags, which may be why a route is missing: sluice routes lists %s\n",
			e.Problems, plural(e.Problems, "problem", "problems"), plural(e.Problems, "it", "them"))
	}
}

func (e explanation) writeAnswer(w io.Writer) {
	fmt.Fprintf(w, "%s %s\n", e.Method, e.URL)
	if capitals := strings.ToUpper(e.Method); capitals != e.Method {
		fmt.Fprintf(w, "  (%s is another method than %s)\n", e.Method, capitals)
	}
	switch {
	case e.Route == nil && strings.HasPrefix(e.URL, "udp://"):
		fmt.Fprintln(w, "  no route matches: the datagrams are dropped")
	case e.Route == nil && lb.IsTCPQuestion(e.URL):
		fmt.Fprintln(w, "  no route matches: the connection is closed")
	case e.Route == nil && e.Status == http.StatusServiceUnavailable:
		fmt.Fprintln(w, "  503: the catalog has not been read yet")
	case e.Route == nil:
		fmt.Fprintln(w, "  404: no route matches")
	default:
		e.writeRoute(w)
	}
	if len(e.Candidates) == 0 {
		return
	}
	fmt.Fprintln(w, "routes that came into question:")
	for _, c := range e.Candidates {
		mark := " "
		if c.Matched {
			mark = "*"
		}
		fmt.Fprintf(w, "%s %s (%s): %s\n    %s\n", mark, c.Name, strings.TrimSuffix(c.Dialect+", service "+c.Service, ", service "), c.Reason, c.Rule)
	}
}

func (e explanation) writeRoute(w io.Writer) {
	r := e.Route
	fmt.Fprintf(w, "  route %s%s\n  because of %s\n  made by %s\n", r.Name, ofService(r.Service), r.Rule, r.MadeBy)
	if e.Entrypoint != "" {
		fmt.Fprintf(w, "  at listener %s\n", e.Entrypoint)
	}
	if r.Policy != nil {
		r.Policy.write(w)
	}
	if steps := slices.Concat(r.Doors[e.Entrypoint], r.Steps); len(steps) > 0 {
		fmt.Fprintf(w, "  goes through, in this order, %s\n", stepsText(steps))
	}
	switch {
	case e.Redirect != "":
		fmt.Fprintf(w, "  301: redirected to %s\n", e.Redirect)
		return
	case e.Status == http.StatusServiceUnavailable:
		fmt.Fprintln(w, "  503: no instance is healthy")
		if r.Composition != nil {
			r.Composition.write(w, "    ")
			return
		}
	case r.RedirectsTo != "" && r.Variants == nil:
		fmt.Fprintf(w, "  is redirected to %s\n", r.RedirectsTo)
		return
	case r.Variants != nil:
		fmt.Fprintln(w, "  goes to one of these, as the tag of each says")
		for _, v := range r.Variants {
			v.writeVariant(w)
		}
		return
	case r.Composition != nil:
		if r.Network != "" {
			fmt.Fprintln(w, "  is passed on by")
		} else {
			fmt.Fprintf(w, "  is forwarded as %s by\n", e.Forwarded)
		}
		r.Composition.write(w, "    ")
		return
	case r.Network != "":
		fmt.Fprintln(w, "  is passed on to one of")
	default:
		fmt.Fprintf(w, "  is forwarded as %s to one of\n", e.Forwarded)
	}
	for _, t := range r.Endpoints {
		fmt.Fprintf(w, "    %s\n", t)
	}
}

// writeVariant tells what becomes of a request at the targets of a variant.
func (r routeView) writeVariant(w io.Writer) {
	fmt.Fprintf(w, "  by %s%s", r.Rule, ofService(r.Service))
	if len(r.Steps) > 0 {
		fmt.Fprintf(w, ", through %s", stepsText(r.Steps))
	}
	switch {
	case r.Refused != "":
		fmt.Fprintf(w, ": %s\n", r.Refused)
	case r.RedirectsTo != "":
		fmt.Fprintln(w, ", redirected to")
	case r.Network != "":
		fmt.Fprintln(w)
	case r.Host != "":
		fmt.Fprintf(w, ", as %s of host %s\n", r.Forwarded, r.Host)
	default:
		fmt.Fprintf(w, ", as %s\n", r.Forwarded)
	}
	for _, t := range r.Endpoints {
		fmt.Fprintf(w, "    %s\n", t)
	}
}

func stepsText(steps []stepView) string {
	var texts []string
	for _, s := range steps {
		texts = append(texts, s.String())
	}
	return strings.Join(texts, ", ")
}

func ofService(name string) string {
	if name == "" {
		return ""
	}
	return " of service " + name
}

// String is who made a route, in a line.
func (o originView) String() string {
	if o.Source != "" {
		return "the configuration, " + o.Source
	}
	text := "instance " + o.Instance + " on " + o.Node
	if o.Instances > 1 {
		text += fmt.Sprintf(" and %d more", o.Instances-1)
	}
	if o.Tag == "" {
		return text + ", by the default rule"
	}
	return text + ", by its tag " + o.Tag
}

// String is an endpoint and, if it gets no requests, why.
func (e endpointView) String() string {
	text := fmt.Sprintf("%s  weight %d", e.Address, e.Weight)
	if e.Node != "" {
		text += fmt.Sprintf("  instance %s on %s", e.Instance, e.Node)
	}
	if e.Zone != "" {
		text += ", zone " + e.Zone
	}
	switch {
	case !e.Serving:
		text += "  (not healthy)"
	case e.Weight <= 0:
		text += "  (no weight, no requests)"
	case e.Far:
		text += "  (passed over: others are nearer)"
	case !e.Eligible:
		text += "  (passed over: its checks or requests fail)"
	}
	return text
}

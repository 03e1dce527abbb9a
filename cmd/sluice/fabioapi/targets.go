package fabioapi

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
)

// routeTarget is one target of a route, in the form of Fabio's API.
type routeTarget struct {
	Service string   `json:"service"`
	Host    string   `json:"host"`
	Path    string   `json:"path"`
	Src     string   `json:"src"`
	Dst     string   `json:"dst"`
	Opts    string   `json:"opts"`
	Cmd     string   `json:"cmd"`
	Tags    []string `json:"tags,omitempty"`
	Weight  float64  `json:"weight"` // of all traffic of the route
	Rate1   float64  `json:"rate1"`  // always 0, as Fabio has it
	Pct99   float64  `json:"pct99"`

	fixed float64 // the weight that was asked for; 0 for none
}

// command is the target in the language of manual routes.
func (t routeTarget) command() string {
	text := strings.Join([]string{t.Cmd, t.Service, t.Src, t.Dst}, " ")
	if t.fixed > 0 {
		text += fmt.Sprintf(" weight %.4f", t.fixed)
	}
	if len(t.Tags) > 0 {
		text += fmt.Sprintf(" tags %q", strings.Join(t.Tags, ","))
	}
	if t.Opts != "" {
		text += fmt.Sprintf(" opts %q", t.Opts)
	}
	return text
}

// Percent is its weight for people.
func (t routeTarget) Percent() float64 { return 100 * t.Weight }

// targetsOf are those of all routes of Fabio's dialect that get requests, by
// host, and of each host the longer paths first.
func targetsOf(t *lb.Table, owners routeOwners) []routeTarget {
	all := []routeTarget{}
	if t == nil {
		return all
	}
	for _, r := range t.Routes() {
		if r.Dialect != tags.Fabio {
			continue
		}
		variants := r.Variants()
		if len(variants) == 0 {
			variants = []*lb.Route{r}
		}
		for _, v := range variants {
			place := fabioPlace{r.Name, v.Rule, v.Service, false}
			all = append(all, place.targets(r.Endpoints, v.Endpoints, r.Pool, owners)...)
		}
	}
	for _, r := range t.TCPRoutes() {
		if r.Dialect != tags.Fabio || r.Implied {
			continue
		}
		variants := r.Variants()
		if len(variants) == 0 {
			variants = []*lb.TCPRoute{r}
		}
		for _, v := range variants {
			place := fabioPlace{r.Name, v.Rule, v.Service, true}
			all = append(all, place.targets(r.Endpoints, v.Endpoints, r.Pool, owners)...)
		}
	}
	slices.SortFunc(all, func(a, b routeTarget) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(b.Path, a.Path), cmp.Compare(b.Service, a.Service), cmp.Compare(b.Dst, a.Dst))
	})
	return all
}

// fabioPlace is a route as its tag or command has it.
type fabioPlace struct {
	name, rule, service string
	stream              bool
}

// targets are the serving ones of the endpoints, which are some of the whole
// route, whose pool knows their parts.
func (p fabioPlace) targets(whole, endpoints []tags.Endpoint, pool *target.Pool, owners routeOwners) (all []routeTarget) {
	src, _, _ := strings.Cut(p.name, " ")
	host, path := HostPath(src)
	if p.stream && strings.Contains(host, ":") {
		src, path = host, ""
	}
	opts, proto, query := fabioOpts(p.rule)
	weights, sum, split := map[string]float64{}, 0.0, map[int32]float64{}
	for _, m := range pool.Members() {
		weights[m.Key.Address] += float64(m.Weight)
		sum += float64(m.Weight)
	}
	for _, e := range whole {
		if e.Serving {
			split[e.Split]++
		}
	}
	for _, e := range endpoints {
		if !e.Serving {
			continue
		}
		owner := owners.of(src, e)
		t := routeTarget{
			Service: cmp.Or(owner.service, p.service), Tags: owner.tags,
			Host: host, Path: path, Src: src, Dst: fabioDst(e, proto, query), Opts: opts, Cmd: "route add",
			Weight: weights[e.Address] / max(1, sum), fixed: e.Share,
		}
		if e.Split > 0 {
			t.fixed = e.Share / split[e.Split]
		}
		all = append(all, t)
	}
	return all
}

// HostPath takes the source of a route apart.
func HostPath(src string) (host, path string) {
	if i := strings.IndexByte(src, '/'); i >= 0 {
		return src[:i], src[i:]
	}
	return src, ""
}

// fabioDst is an endpoint as a URL, with a slash at the end for plain HTTP alone.
func fabioDst(e tags.Endpoint, proto, query string) string {
	dst := proto + "://" + e.Address
	switch {
	case e.Scheme == tags.SchemeRedirect:
		return e.Address
	case proto == "http":
		dst += "/"
	}
	if query != "" {
		dst += "?" + query
	}
	return dst
}

// fabioOpts are the options of a tag or a command, sorted, without those that the
// other fields have; and what the targets speak and are asked with.
func fabioOpts(rule string) (opts, proto, query string) {
	proto = "http"
	words := strings.Fields(rule)
	if command, ok := strings.CutPrefix(rule, "route add "); ok {
		if fields := strings.Fields(command); len(fields) > 2 {
			if u, err := url.Parse(fields[2]); err == nil && u.Host != "" {
				proto, query = u.Scheme, u.RawQuery
			}
		}
		words = append([]string{""}, strings.Fields(quotedAfter(command, " opts "))...)
	}
	var kept []string
	for _, word := range words[min(1, len(words)):] {
		key, value, _ := strings.Cut(word, "=")
		switch {
		case key == "weight":
			continue
		case key == "proto" && slices.Contains([]string{"https", "tcp", "udp", "grpc", "grpcs"}, value):
			proto = value
			continue
		case key == "redirect":
			code, _, _ := strings.Cut(value, ",")
			word = "redirect=" + code
		}
		kept = append(kept, word)
	}
	slices.Sort(kept)
	return strings.Join(kept, " "), proto, query
}

// quotedAfter is what is in the quotes behind a word.
func quotedAfter(text, word string) string {
	_, rest, _ := strings.Cut(text, word)
	_, rest, _ = strings.Cut(rest, `"`)
	inside, _, _ := strings.Cut(rest, `"`)
	return inside
}

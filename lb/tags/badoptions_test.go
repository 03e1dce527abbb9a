package tags

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// malformed are values that no option of a type can have, by the option's key
// below the prefix: all there are in a structure of package spec.
func malformed(t reflect.Type, key string) (tags []string) {
	for f := range t.Fields() {
		word := f.Tag.Get("key")
		if word == "" {
			continue
		}
		path, field := key+"."+word, f.Type
		switch {
		case field == reflect.TypeFor[time.Duration]():
			tags = append(tags, path+"=soon")
		case field.Kind() == reflect.Bool:
			tags = append(tags, path+"=perhaps")
		case field.Kind() == reflect.Int || field.Kind() == reflect.Int64:
			tags = append(tags, path+"=many", path+"=1.5")
		case field.Kind() == reflect.Pointer:
			tags = append(tags, path+"=perhaps", path+".nothing=x")
			tags = append(tags, malformed(field.Elem(), path)...)
		case field.Kind() == reflect.Slice && field.Elem().Kind() == reflect.Struct:
			tags = append(tags, path+"[0].nothing=x", path+"[x].name=x")
			tags = append(tags, malformed(field.Elem(), path+"[0]")...)
		case field.Kind() == reflect.Map:
			tags = append(tags, path+"=x")
		default: // any text will do, but not as a structure
			tags = append(tags, path+".nothing=x")
		}
	}
	return tags
}

// Whatever option is malformed, the instance loses its Traefik tags, a problem
// names the tag, and the other instance is served.
func TestMalformedOptions(t *testing.T) {
	var all []string
	for _, kind := range spec.Kinds() {
		draft, _ := spec.NewDraft(kind)
		key := "http.middlewares.m." + kind
		all = append(all, key+".nothing=x")
		all = append(all, malformed(reflect.TypeOf(draft.Target()).Elem(), key)...)
	}
	all = append(all, malformed(reflect.TypeFor[spec.LoadBalancer](), "http.services.s.loadbalancer")...)
	all = append(all, malformed(reflect.TypeFor[spec.Composition](), "http.services.s")...)
	all = append(all, malformed(reflect.TypeFor[routerTLS](), "http.routers.own.tls")...)
	all = append(all, malformed(reflect.TypeFor[streamRouter](), "tcp.routers.t")...)
	all = append(all, malformed(reflect.TypeFor[streamService](), "tcp.services.t")...)
	all = append(all, malformed(reflect.TypeFor[spec.ConnAllowList](), "tcp.middlewares.t.ipallowlist")...)
	all = append(all, malformed(reflect.TypeFor[spec.InFlightConn](), "tcp.middlewares.t.inflightconn")...)
	if len(all) < 200 {
		t.Fatalf("only %d options were found", len(all))
	}
	for _, tag := range all {
		d := Parse(DefaultOptions(), "web", besideGood("http.routers.own.rule=Host(`own`)", tag))
		if len(d.Routes) != 1 || d.Routes[0].Name != "good" {
			t.Errorf("%s: there are %d routes, want that of the other instance", tag, len(d.Routes))
		}
		key, _, _ := strings.Cut(tag, "=")
		if !slices.ContainsFunc(d.Problems, func(p Problem) bool { return strings.HasPrefix(p.Tag, "traefik."+key) && p.Instance == "bad" }) {
			t.Errorf("%s: no problem names it: %v", tag, d.Problems)
		}
	}
}

// besideGood are an instance with tags and another one that has nothing to do with
// it.
func besideGood(tags ...string) []Instance {
	bad := Instance{ID: "bad", Node: "n", Address: "a", Port: 1, Serving: true}
	for _, tag := range tags {
		bad.Tags = append(bad.Tags, "traefik."+tag)
	}
	return []Instance{bad, {ID: "good", Node: "n", Address: "b", Port: 1, Serving: true, Tags: []string{
		"traefik.http.routers.good.rule=Host(`good`)", "traefik.http.routers.good.service=good",
		"traefik.http.services.good.loadbalancer.server.port=1",
	}}}
}

// Services that make no sense are broken, and the routers that use them off.
func TestSenselessServices(t *testing.T) {
	for tag, reason := range map[string]string{
		"loadbalancer.strategy=none":                                  "no strategy",
		"loadbalancer.sticky.cookie.path=/a;b":                        "cannot be part of a cookie",
		"loadbalancer.sticky.cookie.path=/a\nb":                       "cannot be part of a cookie",
		"loadbalancer.sticky.cookie.domain=a b":                       "cannot be part of a cookie",
		"loadbalancer.sticky.cookie.name=a\x01":                       "name of a cookie",
		"loadbalancer.sticky.cookie.name=" + strings.Repeat("x", 300): "name of a cookie",
		"loadbalancer.healthcheck.path=http://elsewhere/":             "starts with a slash",
		"loadbalancer.healthcheck.path=http://x/":                     "starts with a slash",
		"loadbalancer.healthcheck.path=/a\x00":                        "cannot be sent",
		"loadbalancer.serverstransport=nowhere":                       "no servers transport",
		"weighted.services[0].weight=1":                               "name",
		"mirroring.service=":                                          "",
		"failover.service=a":                                          "",
	} {
		d := Parse(DefaultOptions(), "web", besideGood("http.routers.own.rule=Host(`own`)", "http.routers.own.service=s", "http.services.s."+tag))
		i := slices.IndexFunc(d.Pools, func(p Pool) bool { return p.Name == "s" })
		if i < 0 || !strings.Contains(d.Pools[i].Broken, reason) || d.Pools[i].Broken == "" {
			t.Errorf("%q: the pools are %v, want one that is broken: %s", tag, d.Pools, reason)
		}
		if !slices.ContainsFunc(d.Routes, func(r Route) bool { return r.Name == "good" }) {
			t.Errorf("%q: the other instance is lost", tag)
		}
	}
}

package funcs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/watch"
)

func TestParseHealthQuery(t *testing.T) {
	tests := []struct {
		text     string
		want     watch.Health
		statuses string
		err      string
	}{
		{text: "web", want: watch.Health{Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web|passing", want: watch.Health{Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web|passing,passing", want: watch.Health{Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web|,", want: watch.Health{Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web|any,passing", want: watch.Health{Service: "web"}, statuses: "any"},
		{text: "web|warning,passing", want: watch.Health{Service: "web"}, statuses: "passing warning"},
		{text: "a.b", want: watch.Health{Service: "b", Tag: "a", PassingOnly: true}, statuses: "passing"},
		{text: "v=1.2:x-y.web", want: watch.Health{Service: "web", Tag: "v=1.2:x-y", PassingOnly: true}, statuses: "passing"},
		{
			text: "tag.web?ns=n&partition=p&peer=o@dc-1.x~_agent|critical",
			want: watch.Health{
				Scope:   watch.Scope{Datacenter: "dc-1.x", Namespace: "n", Partition: "p", Peer: "o"},
				Service: "web", Tag: "tag", Near: "_agent",
			},
			statuses: "critical",
		},
		{
			text:     "web?sameness-group=g",
			want:     watch.Health{Scope: watch.Scope{SamenessGroup: "g"}, Service: "web", PassingOnly: true},
			statuses: "passing",
		},
		{text: "web?ns=n&ns=other", want: watch.Health{Scope: watch.Scope{Namespace: "n"}, Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web?ns=n&", want: watch.Health{Scope: watch.Scope{Namespace: "n"}, Service: "web", PassingOnly: true}, statuses: "passing"},
		{text: "web@", err: "nothing follows '@'"},
		{text: "web|", err: "nothing follows '|'"},
		{text: "web|passing, warning", err: `" " is not allowed after '|'`},
		{text: "web|healthy", err: `unknown state "healthy"`},
		{text: "web~n@dc", err: "is not allowed after '~'"},
		{text: "web@dc?ns=x", err: "is not allowed after '@'"},
		{text: "web?dc=x", err: `unknown parameter "dc"`},
		{text: "web?peer=a&sameness-group=b", err: "exclude each other"},
		{text: "urlprefix-/x.web", err: "the tag"},
		{text: ".web", err: "the tag"},
		{text: "we b", err: "the name"},
		{text: "tag.", err: "the name"},
		{text: "@dc", err: "the name"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			q, err := parseHealthQuery(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if q.Health != test.want {
				t.Errorf("query %+v, want %+v", q.Health, test.want)
			}
			if got := strings.Join(q.statuses, " "); got != test.statuses {
				t.Errorf("states %q, want %q", got, test.statuses)
			}
		})
	}
}

func TestParsePathQuery(t *testing.T) {
	tests := []struct {
		text string
		want watch.Prefix
		err  string
	}{
		{text: "app/motd", want: watch.Prefix{Path: "app/motd"}},
		{text: "/app", want: watch.Prefix{Path: "app"}},
		{text: "/", want: watch.Prefix{}},
		{text: "ä b+c;d:e~f|g", want: watch.Prefix{Path: "ä b+c;d:e~f|g"}},
		{text: "app?ns=n@dc1", want: watch.Prefix{Path: "app", Scope: watch.Scope{Namespace: "n", Datacenter: "dc1"}}},
		{text: "app@dc1", want: watch.Prefix{Path: "app", Scope: watch.Scope{Datacenter: "dc1"}}},
		{text: "a@b@c", err: "cannot hold"},
		{text: "a?ns=x?ns=y", err: "cannot hold"},
		{text: "app@", err: "nothing follows"},
		{text: "app?x=y", err: "unknown parameter"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			q, err := parsePrefixQuery(test.text)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want %q", err, test.err)
				}
				return
			}
			if err != nil || q != test.want {
				t.Errorf("got %+v, %v; want %+v", q, err, test.want)
			}
		})
	}
	if _, err := parseKeyQuery("/"); err == nil {
		t.Error(`the key "/" was taken`)
	}
}

func TestParseCatalogQueries(t *testing.T) {
	if q, err := parseServicesQuery("?partition=p@dc1"); err != nil ||
		q != (watch.Services{Scope: watch.Scope{Datacenter: "dc1", Partition: "p"}}) {
		t.Errorf("services: %+v, %v", q, err)
	}
	if q, err := parseNodesQuery("@dc1~n1"); err != nil ||
		q != (watch.Nodes{Scope: watch.Scope{Datacenter: "dc1"}, Near: "n1"}) {
		t.Errorf("nodes: %+v, %v", q, err)
	}
	if q, err := parseNodeQuery("n.1-x@dc1"); err != nil ||
		q != (watch.Node{Scope: watch.Scope{Datacenter: "dc1"}, Name: "n.1-x"}) {
		t.Errorf("node: %+v, %v", q, err)
	}
	for name, err := range map[string]error{
		"services": second(parseServicesQuery("web")),
		"nodes":    second(parseNodesQuery("web@dc1")),
		"node":     second(parseNodeQuery("a b")),
		"near":     second(parseServicesQuery("~n1")),
	} {
		if err == nil {
			t.Errorf("%s: a malformed argument was taken", name)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func FuzzParseHealthQuery(f *testing.F) {
	for _, text := range []string{"web", "tag.web?ns=n&peer=p@dc~near|passing,any", "a.b.c|", "?@~|", "ä"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parseHealthQuery(text)
		if err != nil {
			return
		}
		if !strings.Contains(text, q.Service) || !consistsOf(q.Service, "-") {
			t.Errorf("%q gave the name %q", text, q.Service)
		}
		if len(q.statuses) == 0 || !slices.IsSorted(q.statuses) {
			t.Errorf("%q gave the states %q", text, q.statuses)
		}
		if q.PassingOnly && (!q.wants(watch.Passing) || q.wants(watch.Warning)) {
			t.Errorf("%q asks for passing only and wants %q", text, q.statuses)
		}
	})
}

func FuzzParsePathQuery(f *testing.F) {
	for _, text := range []string{"app/motd", "/", "a?ns=x@dc", "ä b", "@dc"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := parsePrefixQuery(text)
		if err != nil {
			return
		}
		if strings.ContainsAny(q.Path, "?@") || !strings.HasPrefix(strings.TrimPrefix(text, "/"), q.Path) {
			t.Errorf("%q gave the path %q", text, q.Path)
		}
	})
}

func FuzzParseCatalogQueries(f *testing.F) {
	for _, text := range []string{"", "@dc1", "?ns=n@dc1~near", "node-1", "a b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := parseServicesQuery(text); err == nil && strings.ContainsAny(q.Datacenter, "?@~") {
			t.Errorf("services %q gave %+v", text, q)
		}
		if q, err := parseNodesQuery(text); err == nil && strings.ContainsAny(q.Datacenter+q.Near, "?@~") {
			t.Errorf("nodes %q gave %+v", text, q)
		}
		if q, err := parsePeeringsQuery(text); err == nil && strings.ContainsAny(q.Partition, "?@~&=") {
			t.Errorf("peerings %q gave %+v", text, q)
		}
		if q, err := parseNodeQuery(text); err == nil && q.Name != "" && !consistsOf(q.Name, ".-") {
			t.Errorf("node %q gave %+v", text, q)
		}
	})
}

func FuzzGlobMatches(f *testing.F) {
	f.Add("a*b*c", "axbyc")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		quoted := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
		want, err := regexp.MatchString(`(?s)\A`+quoted+`\z`, name)
		if err == nil && utf8.ValidString(pattern+name) && globMatches(pattern, name) != want {
			t.Errorf("%q matches %q: want %v", pattern, name, want)
		}
	})
}

func FuzzCutNomadPath(f *testing.F) {
	for _, text := range []string{"app/a", "/app/a@dev.eu", "@*", "a@n.", "a@b@c", "ä@n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		path, namespace, region, err := cutNomadPath(text, true)
		if err != nil {
			return
		}
		if strings.Contains(path, "@") || !strings.HasPrefix(strings.TrimPrefix(text, "/"), path) {
			t.Errorf("%q gave the path %q", text, path)
		}
		if namespace != "*" && namespace != "" && !consistsOf(namespace, "-") || region != "" && !consistsOf(region, "-") {
			t.Errorf("%q gave the namespace %q and the region %q", text, namespace, region)
		}
		// Alone, a variable is asked for in the same place, but never in all.
		q, err := parseNomadVariable("nomadVar", text)
		if err == nil && (q.Path != path || q.Namespace != namespace || q.Region != region || namespace == "*") {
			t.Errorf("%q gave %+v", text, q)
		}
	})
}

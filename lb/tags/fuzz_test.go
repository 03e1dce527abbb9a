package tags

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func FuzzParseRule(f *testing.F) {
	for _, seed := range []string{
		"Host(`a`) && (PathPrefix(`/b`) || !Path(\"/c\\x00\"))", "Host(`*.a.`)", "!!Method(`x`)", "Host(`a", "((", "Path(`/%2f`)",
		"HostRegexp(`^a|b$`) && PathRegexp(`/x(`) || Header(`A`, `b`)", "HeaderRegexp(`A`,`(?i)b`) && Query(`a`) && Query(`a`,`b`)",
		"QueryRegexp(`a`,`[`)", "ClientIP(`10.1.2.3/8`) || ClientIP(`::1`)",
	} {
		f.Add(seed)
	}
	patterns := &match.Patterns{} // equal patterns are the same
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseRule(text, syntaxV3, patterns)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		again, err := parseRule(e.String(), syntaxV3, patterns)
		if err != nil {
			t.Fatalf("%q is printed as %q, which fails: %v", text, e, err)
		}
		if !reflect.DeepEqual(e, again) {
			t.Fatalf("%q is printed as %q, which is not the same", text, e)
		}
	})
}

func FuzzParseRuleV2(f *testing.F) {
	for _, seed := range []string{
		"Host(`a`,`b`) && PathPrefix(`/{x}`)", "HostRegexp(`{s:[a-z]+}.d`)", "Headers(`A`,`b`)", "Query(`a=b`,`c={d:[0-9]+}`,`e=`)",
		"Path(`/a/{b:(}`)", "Method(`a`,`b`) || ClientIP(`10.0.0.0/8`,`x`)",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := parseRule(text, syntaxV2, nil)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		e.Match(&match.Request{Host: "a.b", Path: "/a/b", Method: "GET"})
	})
}

func FuzzParseRule1(f *testing.F) {
	for _, seed := range []string{
		"Host:a,b;PathPrefixStrip:/cerebro/", "PathStrip: /e ,, /f;AddPrefix:/x", ":Host::y:;", "Method:get", "Path:/;Path:/a/", "Host",
		"HostRegexp:{a:[a-z]+}.b,c;PathPrefixStripRegex:/a/{id:[0-9]+}", "Headers:A,b,C,d;HeadersRegexp:A,^b", "Query:a=b,c={d}",
		"ReplacePath:/n;ReplacePathRegex:^/a(.*) /b$1",
	} {
		f.Add(seed)
	}
	patterns := &match.Patterns{}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRule1(text, patterns)
		if err != nil {
			checkOffset(t, text, err)
			return
		}
		again, err := parseRule1(canonical1(text), patterns)
		if err != nil {
			t.Fatalf("%q is printed as %q, which fails: %v", text, canonical1(text), err)
		}
		if !reflect.DeepEqual(r, again) {
			t.Fatalf("%q is printed as %q, which is not the same", text, canonical1(text))
		}
	})
}

// canonical1 prints a valid rule without most of what counts for nothing.
func canonical1(text string) string {
	var parts []string
	for part := range strings.SplitSeq(text, ";") {
		if words := words1(part); len(words) > 0 {
			// Commas at both ends keep the colons of arguments from being dropped.
			parts = append(parts, strings.TrimSpace(words[0])+":,"+strings.Join(spec.List(strings.Join(words[1:], ":")), ",")+",")
		}
	}
	return strings.Join(parts, ";")
}

func checkOffset(t *testing.T, text string, err error) {
	t.Helper()
	var fault *ruleError
	if !errors.As(err, &fault) || fault.offset < 0 || fault.offset > len(text) || fault.reason == "" {
		t.Fatalf("%q: fault %#v", text, err)
	}
}

func FuzzParseFabio(f *testing.F) {
	for _, seed := range []string{
		"www.x.com/foo strip=/foo prepend=q host=dst weight=0.5", ":80", "[::1]:80/", "{a,b}*.[!x]/", "$DC/${X}", "x. proto=tcp",
		"x:80/ redirect=301,https://$host/$path?a=b", "x/ allow=ip:10.0.0.0/8,ip:::1 auth=a register=b", "/ deny=10.0.0.1 tlsskipverify=true proto=https",
		"10.0.0.1:5432 proto=tcp pxyproto=true",
	} {
		f.Add(seed)
	}
	o := DefaultOptions()
	f.Fuzz(func(t *testing.T, text string) {
		tag, fault := o.parseFabio(text, "dc1")
		if fault != nil {
			checkFabioError(t, text, fault)
			return
		}
		p := parser{Options: o}
		if p.fabioMatch(tag).String() == "" || len(tag.String()) == 0 && len(p.fabioSteps(tag.fabioOptions)) > 0 {
			t.Fatalf("%q is half a route: %+v", text, tag)
		}
		if rules := tag.access(); tag.closed != nil && (rules == nil || !slices.Equal(rules.Deny, everybody())) {
			t.Fatalf("%q lets somebody in although %s", text, tag.closed.reason)
		}
		printed := tag.src.String() + tag.String()
		if strings.ContainsAny(printed, "$") || strings.Contains(printed, "\t") {
			return // would be expanded or split anew
		}
		again, fault := o.parseFabio(printed, "dc1")
		if fault != nil {
			t.Fatalf("%q is printed as %q, which fails: %+v", text, printed, *fault)
		}
		if !tag.is(again) {
			t.Fatalf("%q is printed as %q, which is not the same: %+v, %+v", text, printed, tag, again)
		}
	})
}

func checkFabioError(t *testing.T, text string, fault *fabioError) {
	t.Helper()
	if fault.offset < 0 || fault.offset > len(text) || fault.reason == "" {
		t.Fatalf("%q: fault %+v", text, *fault)
	}
}

func FuzzParseCommands(f *testing.F) {
	for _, seed := range []string{
		"route add web www.x.com/ http://10.0.0.1:80/ weight 0.3 tags \"a,b\" opts \"strip=/foo\"\nroute del web",
		"route del web www.x.com/ http://10.0.0.1:80/\n# comment\n// too\nroute del tags \"a\"",
		"route weight web /a weight 0.5 tags \"a\"\nroute weight /a weight 1 tags \"b\"",
		"route add web :5432 tcp://10.0.0.1:5432\nroute add r a:80/ https://a/$path opts \"redirect=301\"",
	} {
		f.Add(seed)
	}
	o := DefaultOptions()
	f.Fuzz(func(t *testing.T, text string) {
		commands, problems := o.ParseCommands("a text", text)
		lines := 0
		for line := range strings.Lines(text) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "//") {
				lines++
			}
		}
		if lines != len(commands)+len(problems) {
			t.Fatalf("%d commands and %d problems of %d lines", len(commands), len(problems), lines)
		}
		for _, p := range problems {
			if p.Reason == "" || p.Offset < 0 || p.Source == "" {
				t.Fatalf("half a problem: %+v", p)
			}
		}
		o := o
		o.Commands = Join(commands)
		i := Instance{ID: "i", Node: "n", Address: "10.0.0.1", Port: 80, Tags: []string{"a", "urlprefix-/a"}, Serving: true}
		for _, service := range append(o.Commands.Services(), "web") {
			for _, r := range Parse(o, service, []Instance{i}).Routes {
				if r.Name == "" || r.Match == nil || r.Pool == "" {
					t.Fatalf("half a route: %+v", r)
				}
			}
		}
	})
}

// FuzzParse feeds whole tags to all dialects at once.
func FuzzParse(f *testing.F) {
	f.Add("urlprefix-/a\ntraefik.enable=true\ntraefik.frontend.rule=Host:x")
	f.Add("traefik.http.routers.r.rule=Host(`x`)\ntraefik.http.middlewares.m.addprefix.prefix=/x\ntraefik.tcp.routers.r.rule=y")
	f.Add("traefik.http.services.s.weighted.services[1].name=a\ntraefik.http.services.m.mirroring.mirrors[0].percent=10\n" +
		"traefik.http.services.m.mirroring.service=s\ntraefik.http.services.f.failover.errors.status=500-599")
	f.Add("traefik.frontend.rateLimit.rateSet.a.period=1s\ntraefik.frontend.headers.customRequestHeaders=A:b||C:d\n" +
		"traefik.backend.loadbalancer.stickiness=true\ntraefik.frontend.auth.basic.users=a:b\ntraefik.frontend.errors.e.status=5")
	f.Add("traefik.frontends.a.rule=Path:/x\ntraefik.http.services.s.loadbalancer.server.port=80")
	f.Fuzz(func(t *testing.T, text string) {
		o := DefaultOptions()
		i := Instance{ID: "i", Node: "n", Address: "10.0.0.1", Port: 80, Tags: strings.Split(text, "\n"), Serving: true}
		d := Parse(o, "web", []Instance{i})
		for _, r := range d.Routes {
			if r.Name == "" || r.Match == nil || r.Pool == "" {
				t.Fatalf("half a route: %+v", r)
			}
		}
		for _, p := range d.Problems {
			if p.Reason == "" || p.Offset > len(p.Tag) {
				t.Fatalf("half a problem: %+v", p)
			}
		}
		if !CanRoute(o, i.Tags) && len(d.Routes)+len(d.Problems) > 0 {
			t.Fatalf("tags %q ask for something, but would not be looked at", i.Tags)
		}
	})
}

// Whatever the tags of a policy say, what is left of them is valid, and a fault is
// of a place in its tag.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{
		"strategy=hash\nhash.by=header\nhash.name=X", "slow-start=30s\nSLOW_START=1m", "healthcheck.headers.X-A=b\nhealthcheck.path=/",
		"sticky.cookie.name=a\rb", "circuitbreaker.expression=x", "ratelimit.redis.db=1", "=", "retries.attempts=99\nretries", "sticky=true",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i := Instance{ID: "a", Node: "n", Address: "10.0.0.1", Port: 80, Tags: []string{"urlprefix-/"}, Serving: true}
		for option := range strings.SplitSeq(text, "\n") {
			i.Tags = append(i.Tags, PolicyPrefix+option)
		}
		d := Parse(DefaultOptions(), "s", []Instance{i})
		if len(d.Routes) != 1 || len(d.Pools) != 1 {
			t.Fatalf("%q costs the service its route: %v", text, d.Problems)
		}
		if p := d.Pools[0].Policy; p != nil && p.Balance != nil {
			if err := p.Balance.Validate(); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		for _, m := range d.Routes[0].Protection() {
			if err := m.Validate(); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
		}
		for _, p := range d.Problems {
			if p.Offset > len(p.Tag) || p.Reason == "" {
				t.Fatalf("%q: %+v", text, p)
			}
		}
	})
}

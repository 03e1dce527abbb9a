package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/claim"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// versions registers one service, each of whose instances has tags of its own.
func versions(s *watchtest.Source, tagsOf map[string]string) {
	var all []watch.Instance
	var texts []string
	for address, tag := range tagsOf {
		host, text, _ := net.SplitHostPort(address)
		port, _ := strconv.Atoi(text)
		one := at(host, tag)
		one.Service.ID, one.Service.Name, one.Service.Port = address, "app", port
		all, texts = append(all, one), append(texts, tag)
	}
	s.Set(watch.Health{Service: "app"}, all)
	s.Set(watch.Services{}, []watch.ServiceTags{{Name: "app", Tags: texts}})
}

// seer answers who it is and what it saw.
func seer(t *testing.T, name string) string {
	return httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s host %s", name, r.RequestURI, strings.Split(r.Host, ":")[0])
	})
}

// refusals are middlewares of which only access rules and redirects do anything:
// they answer.
type refusals struct {
	status int
	text   string
}

func (refusals) Middleware(_ string, s spec.Middleware) (Middleware, error) {
	switch s := s.(type) {
	case *spec.AccessRules:
		return refusals{http.StatusForbidden, "403 forbidden"}, nil
	case spec.Redirect:
		return refusals{s.Code, s.URL}, nil
	}
	return anyMiddleware{}, nil
}

func (r refusals) Serve(x *Exchange, _ Handler) { x.AnswerText(r.status, r.text) }

// asked counts the answers to n requests.
func asked(c *liveCatalog, n int, path string) map[string]int {
	got := map[string]int{}
	for range n {
		status, body := c.get(path)
		got[fmt.Sprint(status, " ", body)]++
	}
	return got
}

func TestVariantsShareTheRequests(t *testing.T) {
	a, b, d, e := seer(t, "a"), seer(t, "b"), seer(t, "d"), seer(t, "e")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		versions(s, map[string]string{
			a: "urlprefix-/x strip=/x", b: "urlprefix-/x host=other.test prepend=/v2", d: "urlprefix-/x deny=ip:0.0.0.0/0",
			e: "urlprefix-/x weight=0.5",
		})
	}, func(o *ServerOptions) { o.Table.Middlewares = refusals{} })
	eventually(t, "the catalog was read", c.Ready)
	want := map[string]int{
		"200 a /y host 127.0.0.1": 10, "200 b /v2/x/y host other.test": 10, "403 403 forbidden\n": 10, "200 e /x/y host 127.0.0.1": 30,
	}
	if diff := cmp.Diff(want, asked(c, 60, "/x/y")); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if problems := c.Table().Problems(); len(problems) > 0 {
		t.Error(problems)
	}
}

// A redirect is one target among the others, however many instances ask for it.
func TestRedirectsAreVariants(t *testing.T) {
	a, b := seer(t, "a"), seer(t, "b")
	redirect := "urlprefix-/x redirect=301,http://elsewhere.test/"
	c := startWithCatalog(t, func(s *watchtest.Source) {
		versions(s, map[string]string{
			a: "urlprefix-/x", b: "urlprefix-/x strip=/x", "127.0.0.1:1": redirect, "127.0.0.1:2": redirect,
			"127.0.0.1:3": "urlprefix-/x redirect=302,http://$host$path", "127.0.0.1:4": "urlprefix-/alone redirect=302,http://$host$path",
		})
	}, func(o *ServerOptions) { o.Table.Middlewares = refusals{} })
	eventually(t, "the catalog was read", c.Ready)
	got := asked(c, 400, "/x/y")
	if n := got["301 http://elsewhere.test/\n"]; n < 100 || n > 170 { // and a third of what would go in circles
		t.Errorf("%d of 400 were redirected", n)
	}
	if delete(got, "301 http://elsewhere.test/\n"); len(got) != 2 || got["200 a /x/y host 127.0.0.1"]*got["200 b /y host 127.0.0.1"] == 0 {
		t.Errorf("the others were answered by %v", got)
	}
	if got := asked(c, 4, "/alone"); got["404 404 page not found\n"] != 4 {
		t.Errorf("a redirect that leads in circles: %v", got)
	}
	for _, r := range c.Table().Problems() {
		t.Error(r)
	}
}

// When a target fails, the next try goes to one with the same options. If there is
// none, the request goes the whole way of another variant, from the beginning.
func TestAnotherTryMayTakeAnotherWay(t *testing.T) {
	a, b := seer(t, "a"), seer(t, "b")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		versions(s, map[string]string{
			a: "urlprefix-/x strip=/x", "127.0.0.1:1": "urlprefix-/x strip=/x", b: "urlprefix-/x", "127.0.0.1:2": "urlprefix-/x prepend=/v2",
		})
	}, func(o *ServerOptions) {
		o.Table.Defaults.Balance = &spec.LoadBalancer{Outlier: &spec.Outlier{Off: true}}
	})
	eventually(t, "the catalog was read", c.Ready)
	got := asked(c, 40, "/x/y")
	ofA, ofB := got["200 a /y host 127.0.0.1"], got["200 b /x/y host 127.0.0.1"]
	if ofA < 20 || ofB < 10 || ofA+ofB != 40 {
		t.Errorf("answers: %v", got)
	}
	for range 10 { // of a body nothing was read
		resp, err := client(t).Post(c.url("/x/y"), "text/plain", strings.NewReader("text"))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK {
			t.Errorf("a request with a body: %s", resp.Status)
		}
	}
	if retries := c.Metrics().Retries; retries < 20 {
		t.Errorf("%d further tries", retries)
	}
}

// What may not be repeated, or not so often, ends where it is.
func TestNoOtherWay(t *testing.T) {
	taking := rawBackend(t, func(_ string, nc net.Conn, _ *bufio.Reader) { nc.Close() })
	for name, tt := range map[string]struct {
		address, method string
		retries         *spec.Retries
	}{
		"it may have had an effect": {taking, http.MethodPost, nil},
		"a single attempt":          {"127.0.0.1:2", http.MethodGet, &spec.Retries{Attempts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			a := seer(t, "a")
			c := startWithCatalog(t, func(s *watchtest.Source) {
				versions(s, map[string]string{a: "urlprefix-/x strip=/x", tt.address: "urlprefix-/x"})
			}, func(o *ServerOptions) {
				o.Table.Defaults.Balance = &spec.LoadBalancer{Outlier: &spec.Outlier{Off: true}, Retries: tt.retries}
			})
			eventually(t, "the catalog was read", c.Ready)
			got := map[int]int{}
			for range 20 {
				r, _ := http.NewRequestWithContext(t.Context(), tt.method, c.url("/x/y"), http.NoBody)
				resp, err := client(t).Do(r)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				got[resp.StatusCode]++
			}
			if want := map[int]int{200: 10, 502: 10}; !cmp.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// A client stays with its target whatever the options.
func TestStickyVariants(t *testing.T) {
	a, b, d := seer(t, "a"), seer(t, "b"), seer(t, "d")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		versions(s, map[string]string{a: "urlprefix-/x strip=/x", b: "urlprefix-/x", d: "urlprefix-/x prepend=/v2"})
	}, func(o *ServerOptions) {
		o.Table.Defaults.Balance = &spec.LoadBalancer{Sticky: &spec.Sticky{Cookie: &spec.Cookie{Name: "at"}}}
	})
	eventually(t, "the catalog was read", c.Ready)
	served := map[string]bool{}
	for range 6 {
		first, body := c.get("/x/y")
		if first != http.StatusOK {
			t.Fatal(first, body)
		}
		served[body] = true
	}
	if len(served) != 3 {
		t.Errorf("without a cookie, answers are %v", served)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url("/x/y"), http.NoBody)
	for _, address := range []string{a, b, d} {
		r.Header.Set("Cookie", "at="+cookieValue("http://"+address))
		var bodies []string
		for range 4 {
			answer, err := client(t).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(answer.Body)
			if answer.Body.Close(); err != nil {
				t.Fatal(err)
			}
			bodies = append(bodies, answer.Header.Get("Set-Cookie")+string(body))
		}
		if slices.Sort(bodies); len(slices.Compact(bodies)) != 1 {
			t.Errorf("with the cookie of %s: %q", address, bodies)
		}
	}
}

// The table that follows one change after the other is that which is made at once,
// shares and all.
func TestVariantsComeAndGo(t *testing.T) {
	plain, strip := "urlprefix-/x", "urlprefix-/x strip=/x weight=0.5"
	c := newCatalog()
	b := c.builder()
	for i, step := range []struct {
		app, canary []string
		want        string
	}{
		{[]string{plain, strip}, nil, "a*5000 b*5000"},
		{[]string{plain, plain}, nil, "a*1 b*1"},
		{[]string{strip, plain}, []string{plain}, "a*5000 b*2500 c*2500"},
		{[]string{strip, strip}, []string{plain}, "a*5000 b*5000 c*0"},
		{[]string{strip, strip}, nil, "a*5000 b*5000"},
		{[]string{strip, plain}, nil, "a*5000 b*5000"},
		{nil, []string{plain}, "c*1"},
	} {
		c.set("app")
		var all []watch.Instance
		for n, tag := range step.app {
			all = append(all, at(string(rune('a'+n)), tag))
		}
		c.set("app", all...)
		c.remove("canary")
		if step.canary != nil {
			c.set("canary", at("c", step.canary...))
		}
		got := tableText(b.Build(c.snapshot()))
		if !strings.HasSuffix(got, "@fabio: "+step.want+"\n") {
			t.Errorf("step %d: %s\nwant %s", i, got, step.want)
		}
		if anew := tableText(c.build()); anew != got {
			t.Errorf("step %d: built anew it is\n%s\nnot\n%s", i, anew, got)
		}
	}
}

// Which of the variants has the most instances changes nothing for the others:
// who failed is remembered, and whose turn it is.
func TestVariantsKeepTheirStanding(t *testing.T) {
	plain, strip := "urlprefix-/x", "urlprefix-/x strip=/x"
	c := newCatalog()
	b := c.builder()
	for i, tags := range [][]string{
		{plain, plain, plain}, {plain, plain, strip}, {plain, strip, strip}, {strip, strip, strip}, {strip, strip, plain},
	} {
		c.set("app", at("a", tags[0]), at("b", tags[1]), at("c", tags[2]))
		pool := b.Build(c.snapshot()).Routes()[0].Pool
		if i == 0 {
			for range 3 {
				pool.Observe(pool.Targets()[0], 0)
			}
		}
		if stats := pool.Stats(); stats.Ejected != 1 || stats.Ejections != 1 {
			t.Errorf("with %q: %+v", tags, stats)
		}
	}
}

// An address belongs to one variant: to that of an instance that is healthy, then
// to that which asks for more, even if it cannot be had.
func TestAnAddressHasOneVariant(t *testing.T) {
	for _, tt := range []struct {
		name     string
		first    watch.Instance
		second   watch.Instance
		variants string
		problem  string
	}{
		{"an old instance is down", critical(at("a", "urlprefix-/x strip=/x")), at("a", "urlprefix-/x"), "/x: a; /x strip=/x:", ""},
		{"a new instance is down", at("a", "urlprefix-/x strip=/x"), critical(at("a", "urlprefix-/x")), "/x strip=/x: a; /x:", ""},
		{"both are well", at("a", "urlprefix-/x"), at("a", "urlprefix-/x strip=/x"), "/x strip=/x: a; /x:", "which count"},
		{"one is not to be had", at("a", "urlprefix-/x"), at("a", "urlprefix-/x deny=ip:10.0.0.1"), "/x: b", "are not available"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog()
			c.set("one", tt.first)
			c.set("two", tt.second)
			if tt.problem == "are not available" {
				c.set("three", at("b", "urlprefix-/x"))
			}
			table := c.build()
			var got []string
			for _, v := range table.Routes()[0].Variants() {
				text := v.Rule + ":"
				for _, e := range v.Endpoints {
					text += " " + strings.TrimSuffix(e.Address, ":80")
				}
				got = append(got, text)
			}
			want := strings.Split(tt.variants, "; ")
			slices.Sort(want)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("variants %q, want %q", got, want)
			}
			reasons := ""
			for _, p := range table.Problems() {
				reasons += p.Reason
			}
			if !strings.Contains(reasons, tt.problem) || (reasons == "") != (tt.problem == "") {
				t.Errorf("problems: %s", reasons)
			}
		})
	}
}

// Definitions that do not hold for the same requests are not mixed.
func TestVariantsHoldForTheSameRequests(t *testing.T) {
	c := newCatalog()
	c.options.Claims = claim.List{{Host: "a.test", Services: []string{"one"}}}
	c.set("one", at("a", "urlprefix-/x"), at("b", "urlprefix-/x"))
	c.set("two", at("c", "urlprefix-/x strip=/x"))
	table := c.build()
	if r := table.Routes()[0]; r.Variants() != nil || len(r.Endpoints) != 2 || len(table.Problems()) != 1 {
		t.Errorf("%d variants of %v; %v", len(r.Variants()), r.Endpoints, table.Problems())
	}
}

// A route with variants forwards nothing that did not go through one.
func TestVariantsAreNotBypassed(t *testing.T) {
	c := newCatalog()
	c.set("app", at("a", "urlprefix-/x"), at("b", "urlprefix-/x strip=/x"))
	r := c.build().Routes()[0]
	if target, _ := r.pick(&Exchange{}); target != nil {
		t.Errorf("picked %s", target.Key())
	}
}

func TestTable_AskOfVariants(t *testing.T) {
	c := newCatalog()
	c.set("app", at("a", "urlprefix-/x"), at("b", "urlprefix-/x strip=/x"), at("c", "urlprefix-/x prepend=/%"))
	answer, err := c.build().Ask(Question{Method: "GET", URL: "http://h/x/y?q"})
	if err != nil || answer.Forwarded != "" {
		t.Fatal(err, answer.Forwarded)
	}
	var got []string
	for _, way := range answer.Ways {
		got = append(got, strings.TrimSpace(way.Variant.Rule+" -> "+way.Forwarded))
	}
	if want := []string{"/x strip=/x -> /y?q", "/x prepend=/% -> /%25/x/y?q", "/x -> /x/y?q"}; !slices.Equal(got, want) {
		t.Errorf("ways %q, want %q", got, want)
	}
}

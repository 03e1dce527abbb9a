package lb

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// composed is a catalog of one router of host "app" and the services it names.
type composed struct {
	*liveCatalog
	backends map[string]string // addresses by service
}

// startComposed routes "app" to the service of that name that has these tags, with
// the key up to the service left out. Each of the services has one backend.
func startComposed(t *testing.T, tags []string, backends map[string]http.HandlerFunc) *composed {
	c := &composed{backends: map[string]string{}}
	for name, h := range backends {
		c.backends[name] = httpBackend(t, h)
	}
	c.liveCatalog = startWithCatalog(t, func(s *watchtest.Source) {
		for name := range backends {
			c.set(s, name, watch.Passing)
		}
		c.declare(s, tags...)
	})
	eventually(t, "the catalog was read", c.Ready)
	return c
}

func (c *composed) set(s *watchtest.Source, service, status string) {
	registerAmong(s, service, []string{"traefik.enable=true"}, status, c.backends[service])
}

func (c *composed) declare(s *watchtest.Source, tags ...string) {
	all := []string{"traefik.http.routers.app.rule=PathPrefix(`/`)", "traefik.http.routers.app.service=app"}
	for _, tag := range tags {
		all = append(all, "traefik.http.services."+tag)
	}
	registerAmong(s, "declares", all, watch.Passing, "127.0.0.1:1")
	list := []watch.ServiceTags{{Name: "declares", Tags: all}}
	for name := range c.backends {
		list = append(list, watch.ServiceTags{Name: name, Tags: []string{"traefik.enable=true"}})
	}
	s.Set(watch.Services{}, list)
}

// count asks n times and counts the answers.
func (c *composed) count(n int) map[string]int {
	got := map[string]int{}
	for range n {
		status, body := c.get("/")
		got[fmt.Sprintf("%d %s", status, strings.TrimSpace(body))]++
	}
	return got
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func (c *composed) hasProblem(text string) bool {
	for _, p := range c.Table().Problems() {
		if strings.Contains(p.Reason, text) {
			return true
		}
	}
	return false
}

func TestWeightedServices(t *testing.T) {
	c := startComposed(t, []string{
		"app.weighted.services[0].name=stable", "app.weighted.services[0].weight=3", "app.weighted.services[1].name=canary",
		"app.weighted.services[2].name=idle", "app.weighted.services[2].weight=0",
	}, map[string]http.HandlerFunc{"stable": says("stable"), "canary": says("canary"), "idle": says("idle")})
	if diff := cmp.Diff(map[string]int{"200 stable": 30, "200 canary": 10}, c.count(40)); diff != "" {
		t.Errorf("by weight (-want +got):\n%s", diff)
	}

	// It goes on where it was when the table changes.
	c.count(1)
	before := c.Table().Generation()
	registerAmong(c.source, "idle", []string{"traefik.enable=true"}, watch.Critical, c.backends["idle"])
	eventually(t, "the table is a new one", func() bool { return c.Table().Generation() > before })
	if diff := cmp.Diff(map[string]int{"200 stable": 1, "200 canary": 1}, c.count(2)); diff != "" {
		t.Errorf("the next two of the round, after a change (-want +got):\n%s", diff)
	}

	c.set(c.source, "stable", watch.Critical)
	eventually(t, "only the canary answers", func() bool { return c.count(8)["200 canary"] == 8 })
	c.set(c.source, "canary", watch.Critical)
	eventually(t, "nobody is left", func() bool { return c.count(1)["503 503 no available server"] == 1 })
}

func TestAPartThatIsMissingTakesNoOtherWithIt(t *testing.T) {
	c := startComposed(t, []string{
		"app.weighted.services[0].name=stable", "app.weighted.services[1].name=gone", "app.weighted.services[2].name=app",
		"app.weighted.services[3].name=inner", "inner.failover.service=app", "inner.failover.fallback=stable",
	}, map[string]http.HandlerFunc{"stable": says("stable")})
	if got := c.count(6)["200 stable"]; got != 6 {
		t.Errorf("%d of 6 requests were answered", got)
	}
	for _, want := range []string{"there is no service gone", "service app is composed of itself"} {
		if !c.hasProblem(want) {
			t.Errorf("no problem says %q: %v", want, c.Table().Problems())
		}
	}
	c.declare(c.source, "app.weighted.services[0].name=gone")
	eventually(t, "the route is gone with all parts", func() bool { return c.count(1)["404 404 page not found"] == 1 })
	if !c.hasProblem("none of the services that it is composed of is there") {
		t.Errorf("no problem tells of it: %v", c.Table().Problems())
	}
}

func TestPartsOfPartsAreBounded(t *testing.T) {
	var tags []string
	for level := range 20 {
		for i := range 4 {
			tags = append(tags, fmt.Sprintf("s%d.weighted.services[%d].name=s%d", level, i, level+1))
		}
	}
	tags = append(tags, "app.weighted.services[0].name=s0", "app.weighted.services[1].name=stable")
	c := startComposed(t, tags, map[string]http.HandlerFunc{"stable": says("stable")})
	if !c.hasProblem("parts, counting those of its parts") {
		t.Errorf("no problem tells of too many parts: %v", c.Table().Problems())
	}
}

func TestChainsOfChainsAreBounded(t *testing.T) {
	var all []string
	for level := range 15 {
		name, next := fmt.Sprintf("c%d", level), fmt.Sprintf("c%d", level+1)
		all = append(all, "traefik.http.middlewares."+name+".chain.middlewares="+strings.Repeat(next+",", 20))
	}
	all = append(all, "traefik.http.middlewares.c15.addprefix.prefix=/c", "traefik.http.middlewares.own.addprefix.prefix=/own")
	c := startWithCatalog(t, func(s *watchtest.Source) {
		registerAmong(s, "app", append(all,
			"traefik.http.routers.app.rule=Host(`app`)", "traefik.http.routers.app.middlewares=c0",
			"traefik.http.routers.own.rule=Host(`own`)", "traefik.http.routers.own.middlewares=own"), watch.Passing, "127.0.0.1:1")
		s.Set(watch.Services{}, []watch.ServiceTags{{Name: "app", Tags: all}})
	})
	eventually(t, "the catalog was read", c.Ready)
	if n := len(c.Table().Routes()); n != 1 {
		t.Errorf("%d routes are served, want the one without chains", n)
	}
	if !slices.ContainsFunc(c.Table().Problems(), func(p tags.Problem) bool { return strings.Contains(p.Reason, "more than") }) {
		t.Errorf("no problem tells of too many middlewares: %v", c.Table().Problems())
	}
}

func TestStickyWeightedServices(t *testing.T) {
	c := startComposed(t, []string{
		"app.weighted.services[0].name=a", "app.weighted.services[1].name=b", "app.weighted.sticky.cookie.name=which",
	}, map[string]http.HandlerFunc{"a": says("a"), "b": says("b")})
	get := func(cookie string) (body, set string) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url("/"), http.NoBody)
		if cookie != "" {
			r.Header.Set("Cookie", cookie)
		}
		answer, err := client(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text), answer.Header.Get("Set-Cookie")
	}
	first, set := get("")
	value, _, _ := strings.Cut(set, ";")
	if !strings.HasPrefix(value, "which=") {
		t.Fatalf("the cookie is %q", set)
	}
	for range 4 {
		if body, set := get("other=1; " + value); body != first || set != "" {
			t.Errorf("with the cookie of %s: %s, cookie %q", first, body, set)
		}
	}
	c.set(c.source, first, watch.Critical)
	eventually(t, "the other one takes over", func() bool {
		body, set := get(value)
		return body != first && set != ""
	})
}

func TestFailoverServices(t *testing.T) {
	var broken atomic.Bool
	c := startComposed(t, []string{
		"app.failover.service=main", "app.failover.fallback=backup", "app.failover.errors.status=500-599",
		"app.failover.errors.maxrequestbodybytes=10",
	}, map[string]http.HandlerFunc{
		"main": func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			if broken.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
			fmt.Fprintf(w, "main %s", text)
		},
		"backup": func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "backup %s", text)
		},
	})
	post := func(body string) string {
		answer, err := client(t).Post(c.url("/"), "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return string(text)
	}
	if got := post("form"); got != "main form" {
		t.Errorf("while all is well: %q", got)
	}
	broken.Store(true)
	if got := post("form"); got != "backup form" {
		t.Errorf("after an answer that is not good enough: %q", got)
	}
	if got := post("a longer form"); got != "main a longer form" {
		t.Errorf("with a body that is not kept: %q", got)
	}
	broken.Store(false)
	c.set(c.source, "main", watch.Critical)
	eventually(t, "the fallback answers", func() bool { return post("") == "backup " })
	c.set(c.source, "main", watch.Passing)
	eventually(t, "the service is back", func() bool { return post("") == "main " })
}

func TestMirroringServices(t *testing.T) {
	var mu sync.Mutex
	got := map[string]int{}
	stuck := make(chan struct{})
	c := startComposed(t, []string{
		"app.mirroring.service=main", "app.mirroring.maxbodysize=10",
		"app.mirroring.mirrors[0].name=copy", "app.mirroring.mirrors[0].percent=50",
		"app.mirroring.mirrors[1].name=stuck", "app.mirroring.mirrors[1].percent=100",
		"app.mirroring.mirrors[2].name=gone",
	}, map[string]http.HandlerFunc{
		"main": echo,
		"copy": func(_ http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			got[fmt.Sprintf("%s %s %s %q", r.Method, r.RequestURI, r.Header.Get("X-Mark"), body)]++
		},
		"stuck": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-stuck:
			case <-r.Context().Done():
			}
		},
	})
	defer close(stuck)
	ask := func(body io.Reader) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url("/x?y"), body)
		r.Header.Set("X-Mark", "1")
		answer, err := client(t).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); !strings.Contains(string(text), "POST /x?y") {
			t.Errorf("the answer is %q", text)
		}
	}
	for range 4 {
		ask(strings.NewReader("form"))
	}
	for range 4 {
		ask(http.NoBody)
	}
	for range 4 {
		ask(strings.NewReader("a longer form"))
		ask(struct{ io.Reader }{strings.NewReader("a longer form")}) // of no known length
	}
	eventually(t, "half of the requests were copied", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return got[`POST /x?y 1 "form"`] == 2 && got[`POST /x?y 1 ""`] == 2
	})
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 2 {
		t.Errorf("copies: %v", got)
	}
	if !c.hasProblem("there is no service gone") {
		t.Errorf("no problem tells of the mirror that is not there: %v", c.Table().Problems())
	}
}

func TestPartsHaveTheirOwnMiddlewares(t *testing.T) {
	c := startComposed(t, []string{
		"app.weighted.services[0].name=inner", "inner.weighted.services[0].name=a", "inner.middlewares=cut@consulcatalog",
	}, map[string]http.HandlerFunc{"a": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) }})
	if c.count(1)["404 404 page not found"] != 1 || !c.hasProblem("there is no middleware cut") {
		t.Errorf("a service is reached without its middleware: %v", c.Table().Problems())
	}
	registerAmong(c.source, "a", []string{"traefik.enable=true", "traefik.http.middlewares.cut.addprefix.prefix=/in"}, watch.Passing, c.backends["a"])
	eventually(t, "the middleware of the part is at work", func() bool { return c.count(1)["200 /in/"] == 1 })
}

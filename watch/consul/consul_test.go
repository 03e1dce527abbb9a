package consul

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// planted is a token that must never be seen anywhere but in its header.
const planted = "11112222-planted-3333-token-44445555"

func newSource(t testing.TB, c Config) *Source {
	t.Helper()
	if c.Logger == nil {
		c.Logger = quiet
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// canned serves one answer to every request and keeps the requests.
type canned struct {
	*httptest.Server
	status int
	header map[string]string
	body   string

	mu       sync.Mutex
	requests []*http.Request
}

func serve(t testing.TB, status int, body string, header map[string]string) *canned {
	t.Helper()
	c := &canned{status: status, header: header, body: body}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *canned) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests = append(c.requests, r)
	c.mu.Unlock()
	w.Header().Set("X-Consul-Index", "7")
	w.Header().Set("Content-Type", "application/json")
	for k, v := range c.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(c.status)
	io.WriteString(w, c.body)
}

func (c *canned) last(t testing.TB) *http.Request {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.requests) == 0 {
		t.Fatal("no request arrived")
	}
	return c.requests[len(c.requests)-1]
}

func fetch[A any](t testing.TB, s *Source, q watch.For[A]) (A, watch.Reply) {
	t.Helper()
	return fetchAt(t, s, q, 0)
}

func fetchAt[A any](t testing.TB, s *Source, q watch.For[A], index uint64) (A, watch.Reply) {
	t.Helper()
	r, err := s.Fetch(t.Context(), watch.Request{Query: q, Index: index, Wait: 30 * time.Second})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	a, ok := r.Value.(A)
	if !ok {
		t.Fatalf("%s: the value is a %T", q, r.Value)
	}
	return a, r
}

// eventually polls until ok; it fails the test after a time that only a fault
// can take.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("has not happened: %s", what)
}

func web(c *parts.Consul) Config { return Config{Address: c.Addr} }

// surveyed runs a survey and collects what it reports.
type surveyed struct {
	t      testing.TB
	events chan map[string]struct{}
	done   chan error
	cancel context.CancelFunc
}

func startSurvey(t testing.TB, s *Source) *surveyed {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	v := &surveyed{t: t, events: make(chan map[string]struct{}, 10000), done: make(chan error, 1), cancel: cancel}
	go func() {
		v.done <- s.Survey(ctx, watch.Scope{}, func(names map[string]struct{}) { v.events <- names })
	}()
	t.Cleanup(v.stop)
	if names := v.next(); names != nil {
		t.Fatalf("the first report names %v, want any", names)
	}
	return v
}

func (v *surveyed) stop() {
	v.cancel()
	if v.done != nil {
		<-v.done
		v.done = nil
	}
}

func (v *surveyed) next() map[string]struct{} {
	v.t.Helper()
	select {
	case names := <-v.events:
		return names
	case err := <-v.done:
		v.done = nil
		v.t.Fatalf("the survey ended: %v", err)
	case <-time.After(30 * time.Second):
		v.t.Fatal("nothing was reported")
	}
	return nil
}

// until waits for a report with the name.
func (v *surveyed) until(name string) {
	v.t.Helper()
	for {
		if _, ok := v.next()[name]; ok {
			return
		}
	}
}

// untilAny waits for a report with the name, or one that means any service.
func (v *surveyed) untilAny(name string) {
	v.t.Helper()
	for {
		names := v.next()
		if _, ok := names[name]; ok || names == nil {
			return
		}
	}
}

func service(name string, port int, checked bool, tags ...string) string {
	check := ""
	if checked {
		check = `,"Check":{"TTL":"24h","Status":"passing"}`
	}
	list, _ := json.Marshal(tags)
	return fmt.Sprintf(`{"Name":%q,"ID":"%s-1","Port":%d,"Tags":%s%s}`, name, name, port, list, check)
}

package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestRetriesFindTheOneThatLives(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{lbtest.Refusing(t), lbtest.Refusing(t), httpBackend(t, echo)}})
	for i := range 50 {
		resp, err := client(t).Post(r.url("/"), "text/plain", strings.NewReader("precious"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("POST %d: %s", i, resp.Status)
		}
	}
}

// hanging reads requests and then closes the connection.
func hanging(t *testing.T) string {
	return rawBackend(t, func(_ string, nc net.Conn, _ *bufio.Reader) { nc.Close() })
}

func TestRetriesKeepToTheirBudget(t *testing.T) {
	began := time.Now()
	r := start(t, nil, testRoute{prefix: "/", backends: []string{hanging(t), hanging(t)},
		balance: &spec.LoadBalancer{Retries: &spec.Retries{Percent: 10, PerSecond: 1}, Outlier: &spec.Outlier{Off: true}}})
	const requests = 200
	for range requests {
		if status, _ := r.get("/"); status != http.StatusBadGateway {
			t.Fatalf("status %d", status)
		}
	}
	// A second's worth for each of the last ten, and what has passed since.
	most := requests/10 + 10 + int(time.Since(began).Seconds()) + 1
	got := r.Metrics()
	if int(got.Retries) > most || got.Retries < 10 {
		t.Errorf("%d retries, want from 10 to %d", got.Retries, most)
	}
	if len(got.Pools) != 1 || got.Pools[0].Denied == 0 || got.Pools[0].Retries != got.Retries {
		t.Errorf("%+v", got.Pools)
	}
}

func TestNoRetries(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{lbtest.Refusing(t), lbtest.Refusing(t)},
		balance: &spec.LoadBalancer{Retries: &spec.Retries{Attempts: 1}}})
	if status, _ := r.get("/"); status != http.StatusBadGateway || r.Metrics().UpstreamErrors != 1 {
		t.Errorf("%d after %d tries", status, r.Metrics().UpstreamErrors)
	}
}

// A target whose answers are errors is passed over where they are told to count.
func TestOutlierByStatus(t *testing.T) {
	bad := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	r := start(t, nil,
		testRoute{prefix: "/strict", backends: []string{bad, httpBackend(t, echo)}, balance: &spec.LoadBalancer{
			Outlier: &spec.Outlier{Statuses: "gateway", Time: time.Hour, MaxTime: time.Hour},
		}},
		testRoute{prefix: "/lenient", backends: []string{bad, httpBackend(t, echo)}},
	)
	for path, want := range map[string]int{"/strict": 3, "/lenient": 15} {
		failed := 0
		for range 30 {
			if status, _ := r.get(path); status == http.StatusServiceUnavailable {
				failed++
			}
		}
		if failed != want {
			t.Errorf("%s: %d of 30 failed, want %d", path, failed, want)
		}
	}
	pools := r.Metrics().Pools
	if len(pools) != 1 || pools[0].Pool != "/strict" || pools[0].Ejected != 1 || pools[0].Ejections != 1 {
		t.Errorf("pools with something to tell: %+v", pools)
	}
}

func TestResponseTimeoutOfARoute(t *testing.T) {
	silent := rawBackend(t, func(_ string, _ net.Conn, r *bufio.Reader) { r.ReadByte() })
	r := start(t, nil, testRoute{prefix: "/", backends: []string{silent}, balance: &spec.LoadBalancer{ResponseTimeout: 50 * time.Millisecond}})
	if status, _ := r.get("/"); status != http.StatusGatewayTimeout {
		t.Errorf("status %d, want 504", status)
	}
}

func TestMaxRequestsOfARoute(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	backend := httpBackend(t, func(http.ResponseWriter, *http.Request) {
		held <- struct{}{}
		<-release
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}, balance: &spec.LoadBalancer{MaxRequests: 1}})
	first := make(chan int)
	go func() {
		status, _ := r.get("/")
		first <- status
	}()
	<-held
	if status, _ := r.get("/"); status != http.StatusServiceUnavailable {
		t.Errorf("status %d for a second request, want 503", status)
	}
	close(release)
	if status := <-first; status != http.StatusOK {
		t.Errorf("status %d for the first request", status)
	}
}

func TestAffinity(t *testing.T) {
	exchange := func(address, query string, header ...string) *Exchange {
		x := &Exchange{Request: match.Request{Remote: netip.MustParseAddr(address)}, RawPath: "/p", RawQuery: query}
		for i := 0; i < len(header); i += 2 {
			x.Header.Add(header[i], header[i+1])
		}
		return x
	}
	for _, test := range []struct {
		by, name string
		same     bool
		a, b     *Exchange
	}{
		{"", "", true, exchange("10.0.0.1", "?a"), exchange("10.0.0.1", "?b")},
		{"", "", false, exchange("10.0.0.1", ""), exchange("10.0.0.2", "")},
		{"header", "X-User", true, exchange("10.0.0.1", "", "X-User", "u"), exchange("10.0.0.2", "", "x-user", "u")},
		{"header", "X-User", false, exchange("10.0.0.1", "", "X-User", "u"), exchange("10.0.0.1", "", "X-User", "v")},
		{"header", "X-User", true, exchange("10.0.0.1", ""), exchange("10.0.0.1", "", "X-Other", "v")},
		{"header", "X-User", false, exchange("10.0.0.1", ""), exchange("10.0.0.2", "")},
		{"cookie", "id", true, exchange("10.0.0.1", "", "Cookie", "a=b; id=7"), exchange("10.0.0.2", "", "Cookie", "id=7")},
		{"cookie", "id", false, exchange("10.0.0.1", "", "Cookie", "id=7"), exchange("10.0.0.1", "", "Cookie", "id=8")},
		{"query", "q", true, exchange("10.0.0.1", "?q=1&x=2"), exchange("10.0.0.2", "?x=3&q=1")},
		{"query", "q", false, exchange("10.0.0.1", "?q=1"), exchange("10.0.0.1", "?q=2")},
		{"path", "", true, exchange("10.0.0.1", "?q=1"), exchange("10.0.0.2", "?q=2")},
		{"uri", "", false, exchange("10.0.0.1", "?q=1"), exchange("10.0.0.1", "?q=2")},
	} {
		a := (*affinity)(&spec.Hash{By: test.by, Name: test.name})
		if got := a.of(test.a) == a.of(test.b); got != test.same {
			t.Errorf("by %s %s: %v, want %v", test.by, test.name, got, test.same)
		}
	}
	var none *affinity
	if none.of(exchange("10.0.0.1", "")) == none.of(exchange("10.0.0.2", "")) {
		t.Error("two clients have the same affinity")
	}
}

// Requests of one user go to one target over the wire, whoever sends them.
func TestHashByHeader(t *testing.T) {
	var backends []string
	for i := range 4 {
		backends = append(backends, httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, i) }))
	}
	r := start(t, nil, testRoute{prefix: "/", backends: backends,
		balance: &spec.LoadBalancer{Strategy: "hash", Hash: &spec.Hash{By: "header", Name: "X-User"}}})
	seen := map[string]bool{}
	for user := range 20 {
		first := ""
		for range 3 {
			request, _ := http.NewRequest(http.MethodGet, r.url("/"), http.NoBody)
			request.Header.Set("X-User", fmt.Sprint(user))
			resp, err := client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if first == "" {
				first = string(body)
			}
			if string(body) != first {
				t.Errorf("user %d was sent to %s and to %s", user, first, body)
			}
		}
		seen[first] = true
	}
	if len(seen) < 3 {
		t.Errorf("20 users were sent to %d targets of 4", len(seen))
	}
}

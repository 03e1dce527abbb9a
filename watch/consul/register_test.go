package consul

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
)

func TestRegistrar(t *testing.T) {
	agent := parts.StartConsul(t)
	r, err := NewRegistrar(Config{Address: agent.Addr, Logger: quiet}, Registration{
		Name: "edge", Tags: []string{"lb"}, Address: "10.0.0.1", Port: 9998, Host: "h", HealthURL: "http://127.0.0.1:1/",
		Interval: time.Hour, Timeout: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	services := func() map[string]struct {
		Service string
		Address string
		Port    int
		Tags    []string
	} {
		var all map[string]struct {
			Service string
			Address string
			Port    int
			Tags    []string
		}
		resp, err := http.Get("http://" + agent.Addr + "/v1/agent/services")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	ctx := t.Context()
	r.Set([]string{"edge", "alias"})
	r.round(ctx)
	got := services()
	if e := got["edge-h-9998"]; len(got) != 2 || e.Service != "edge" || e.Address != "10.0.0.1" || e.Port != 9998 || len(e.Tags) != 1 {
		t.Fatalf("registered are %+v", got)
	}
	r.Set([]string{"edge"})
	r.round(ctx)
	if got := services(); len(got) != 1 {
		t.Fatalf("registered are %+v", got)
	}
	// What the agent forgot is registered again.
	agent.Deregister("edge-h-9998")
	r.round(ctx)
	if got := services(); len(got) != 1 {
		t.Fatalf("registered are %+v", got)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := r.Run(ended); err != nil {
		t.Fatal(err)
	}
	if got := services(); len(got) != 0 {
		t.Fatalf("registered after the end are %+v", got)
	}
}

// A name may be the wish of a tag. What the agent refuses of one is no harm to
// the others, and what it has forgotten need not be deregistered.
func TestRegistrarGoesOnWithoutWhatIsRefused(t *testing.T) {
	var mu sync.Mutex
	passed := map[string]int{}
	agent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		switch path := req.URL.Path; {
		case strings.Contains(string(body), `"refused`):
			http.Error(w, "Permission denied", http.StatusForbidden)
		case path == "/v1/agent/service/deregister/stuck-h-9998":
			http.Error(w, "no", http.StatusBadRequest)
		case path == "/v1/agent/service/deregister/forgotten-h-9998":
			http.Error(w, `Unknown service ID "forgotten-h-9998"`, http.StatusNotFound)
		case strings.HasPrefix(path, "/v1/agent/check/pass/"):
			mu.Lock()
			passed[path[len("/v1/agent/check/pass/"):]]++
			mu.Unlock()
		}
	}))
	defer agent.Close()
	r, err := NewRegistrar(Config{Address: agent.Listener.Addr().String(), Logger: quiet}, Registration{Name: "edge", Host: "h", Port: 9998})
	if err != nil {
		t.Fatal(err)
	}
	defer r.locker.Close()
	r.Set([]string{"edge", "stuck", "forgotten", "alias"})
	r.round(t.Context())
	names := []string{"refused0", "edge"}
	for i := range 10 {
		names = append(names, "refused"+strconv.Itoa(i))
	}
	r.Set(append(names, "alias"))
	const rounds = 5
	for range rounds {
		r.round(t.Context())
	}
	if passed["edge-h-9998-ttl"] != rounds || passed["alias-h-9998-ttl"] != rounds {
		t.Errorf("in %d rounds, checks were passed: %v", rounds, passed)
	}
	if r.known["forgotten-h-9998"] || !r.known["stuck-h-9998"] {
		t.Errorf("known are %v", r.known)
	}
}

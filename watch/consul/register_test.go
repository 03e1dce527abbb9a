package consul

import (
	"context"
	"encoding/json"
	"net/http"
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

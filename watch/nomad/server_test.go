package nomad

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// These tests are of a real Nomad.

func open(t *testing.T, n *parts.Nomad, change func(*Config)) *Source {
	t.Helper()
	c := Config{Target: dial.Target{Address: n.URL}}
	if change != nil {
		change(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.http.CloseIdleConnections)
	return s
}

func fetch(t *testing.T, s *Source, r watch.Request) watch.Reply {
	t.Helper()
	reply, err := s.Fetch(t.Context(), r)
	if err != nil {
		t.Fatalf("%s: %v", r.Query, err)
	}
	if reply.Index == 0 {
		t.Fatalf("%s: without an index", r.Query)
	}
	return reply
}

// next asks with the index of a reply until the value is another one, as the
// Watcher does: an index may grow without a change.
func next(t *testing.T, s *Source, q watch.Query, last watch.Reply, changed func(watch.Reply) bool) watch.Reply {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		last = fetch(t, s, watch.Request{Query: q, Index: last.Index, Wait: 10 * time.Second})
		if changed(last) {
			return last
		}
	}
	t.Fatalf("%s: no change is seen", q)
	return last
}

func TestServer_Services(t *testing.T) {
	n := parts.StartNomad(t)
	s := open(t, n, nil)
	empty := fetch(t, s, watch.Request{Query: watch.NomadServices{}})
	if got := empty.Value.([]watch.ServiceTags); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	n.Run("shop", 3, `[{"Name": "web", "Tags": ["b", "a"]}, {"Name": "api"}]`)
	all := next(t, s, watch.NomadServices{}, empty, func(r watch.Reply) bool { return len(r.Value.([]watch.ServiceTags)) == 2 })
	if got := all.Value.([]watch.ServiceTags); got[0].Name != "api" || len(got[0].Tags) != 0 || got[1].Name != "web" || !slices.Contains(got[1].Tags, "a") {
		t.Errorf("got %+v", got)
	}
	web := fetch(t, s, watch.Request{Query: watch.NomadService{Name: "web"}})
	instances := web.Value.([]watch.NomadInstance)
	if len(instances) != 3 {
		t.Fatalf("got %+v", instances)
	}
	for _, i := range instances {
		if i.Name != "web" || i.ID == "" || i.Node == "" || i.Address != "127.0.0.1" || i.Port == 0 || i.Datacenter != "dc1" ||
			!slices.Equal(i.Tags, []string{"b", "a"}) || i.JobID != "shop" || i.AllocID == "" {
			t.Errorf("got %+v", i)
		}
	}
	choose := func(key string) []watch.NomadInstance {
		return fetch(t, s, watch.Request{Query: watch.NomadService{Name: "web", Count: 2, Key: key}}).Value.([]watch.NomadInstance)
	}
	if chosen := choose("k"); len(chosen) != 2 || chosen[0].ID == chosen[1].ID || chosen[0].ID != choose("k")[0].ID {
		t.Errorf("got %+v", chosen)
	}
	if none := fetch(t, s, watch.Request{Query: watch.NomadService{Name: "none"}}).Value.([]watch.NomadInstance); len(none) != 0 {
		t.Errorf("got %+v", none)
	}
	n.Do("DELETE", "job/shop", "")
	next(t, s, watch.NomadService{Name: "web"}, web, func(r watch.Reply) bool { return len(r.Value.([]watch.NomadInstance)) == 0 })
}

func TestServer_Variables(t *testing.T) {
	n := parts.StartNomad(t)
	n.Do("PUT", "namespace/dev", `{"Name": "dev"}`)
	s := open(t, n, nil)
	q := watch.NomadVariable{Path: "app/a"}
	absent := fetch(t, s, watch.Request{Query: q})
	if absent.Value.(*watch.NomadVariableItems) != nil {
		t.Errorf("got %+v", absent.Value)
	}
	n.PutVariable("app/a", `{"k": "v", "n": "7"}`)
	n.PutVariable("app/b", `{"k": "v"}`)
	n.PutVariable("other", `{"k": "v"}`)
	n.Do("PUT", "var/app/a?namespace=dev", `{"Path": "app/a", "Items": {"k": "of dev"}}`)
	present := next(t, s, q, absent, func(r watch.Reply) bool { return r.Value.(*watch.NomadVariableItems) != nil })
	v := present.Value.(*watch.NomadVariableItems)
	if v.Path != "app/a" || v.Namespace != "default" || v.Items["k"] != "v" || v.Items["n"] != "7" || v.CreateIndex == 0 || v.ModifyTime == 0 {
		t.Errorf("got %+v", v)
	}
	n.PutVariable("app/a", `{"k": "w"}`)
	next(t, s, q, present, func(r watch.Reply) bool {
		v := r.Value.(*watch.NomadVariableItems)
		return v != nil && v.Items["k"] == "w" && v.ModifyIndex > v.CreateIndex
	})
	dev := fetch(t, s, watch.Request{Query: watch.NomadVariable{Path: "app/a", Namespace: "dev"}}).Value.(*watch.NomadVariableItems)
	configured := fetch(t, open(t, n, func(c *Config) { c.Namespace = "dev" }), watch.Request{Query: q}).Value.(*watch.NomadVariableItems)
	if dev.Items["k"] != "of dev" || configured.Items["k"] != "of dev" {
		t.Errorf("got %+v and %+v", dev, configured)
	}
	for query, want := range map[watch.NomadVariables][]string{
		{}:                              {"app/a", "app/b", "other"},
		{Prefix: "app/"}:                {"app/a", "app/b"},
		{Prefix: "none"}:                nil,
		{Prefix: "app", Namespace: "*"}: {"app/a", "app/b", "app/a"},
	} {
		var paths []string
		for _, v := range fetch(t, s, watch.Request{Query: query}).Value.([]watch.NomadVariableInfo) {
			paths = append(paths, v.Path)
		}
		if !slices.Equal(paths, want) {
			t.Errorf("%s: %q", query, paths)
		}
	}
}

func TestServer_Refusals(t *testing.T) {
	const manager = "11111111-2222-3333-4444-555555555555"
	n := parts.StartNomad(t, `{"acl": {"enabled": true}}`)
	n.Do("POST", "acl/bootstrap", `{"BootstrapSecret": "`+manager+`"}`)
	n.Do("PUT", "var/app", `{"Path": "app", "Items": {"k": "v"}}`, "X-Nomad-Token", manager)
	anonymous, wrong, right := open(t, n, nil),
		open(t, n, func(c *Config) { c.Token = "99999999-2222-3333-4444-555555555555" }),
		open(t, n, func(c *Config) { c.Token = manager })
	for _, q := range []watch.Query{watch.NomadServices{}, watch.NomadService{Name: "web"}, watch.NomadVariable{Path: "app"}, watch.NomadVariables{}} {
		fetch(t, right, watch.Request{Query: q})
		for name, s := range map[string]*Source{"without a token": anonymous, "with an unknown one": wrong} {
			if q == (watch.NomadVariables{}) && s == anonymous {
				continue // Nomad itself lists what may be read: nothing
			}
			if reply, err := s.Fetch(t.Context(), watch.Request{Query: q}); !errors.Is(err, watch.ErrDenied) {
				t.Errorf("%s %s: %+v, %v", q, name, reply.Value, err)
			}
		}
	}
	n.Kill()
	if _, err := right.Fetch(t.Context(), watch.Request{Query: watch.NomadServices{}}); err == nil || errors.Is(err, watch.ErrDenied) {
		t.Errorf("an outage gives %v", err)
	}
}

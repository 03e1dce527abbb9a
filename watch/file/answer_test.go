package file

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

// The golden part lists every answer that the folder gives.
func TestAnswers(t *testing.T) {
	eachArchive(t, "testdata/answers/*.txtar", func(t *testing.T, dir string) string {
		c := newCatalog(t, dir)
		var b strings.Builder
		for _, f := range c.Faults() {
			t.Error(f)
		}
		show(t, &b, c, watch.Services{})
		names, _ := ask(t, c, watch.Services{})
		for _, s := range names {
			show(t, &b, c, watch.Health{Service: s.Name})
		}
		show(t, &b, c, watch.Prefix{})
		show(t, &b, c, watch.Keys{Separator: "/"})
		return b.String()
	})
}

func show[A any](t *testing.T, b *strings.Builder, c *Catalog, q watch.For[A]) {
	t.Helper()
	value, _ := ask(t, c, q)
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	text, err = json.MarshalIndent(withoutZeros(tree), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(b, "%s\n%s\n", q, text)
}

// withoutZeros leaves out what says nothing, to keep golden parts readable.
func withoutZeros(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for key, value := range v {
			if value == nil || reflect.ValueOf(value).IsZero() {
				delete(v, key)
			} else {
				v[key] = withoutZeros(value)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutZeros(v[i])
		}
	}
	return tree
}

const web = `{"services": [
	{"name": "web", "id": "web-1", "tags": ["Blue"], "port": 80, "check": {"status": "passing"}},
	{"name": "web", "id": "web-2", "tags": ["green"], "port": 81, "check": {"status": "critical"}},
	{"name": "web", "id": "web-3", "port": 82, "checks": [{"status": "warning"}, {}]},
	{"name": "web", "id": "web-4", "port": 83, "check": {"id": "_service_maintenance:web-4"}},
	{"name": "api", "port": 90}
]}`

func TestHealth(t *testing.T) {
	c := newCatalog(t, folderOf(t, map[string]string{"web.json": web}))
	for _, test := range []struct {
		query watch.Health
		want  string
	}{
		{watch.Health{Service: "web"}, "web-1=passing web-2=critical web-3=warning web-4=maintenance"},
		{watch.Health{Service: "web", PassingOnly: true}, "web-1=passing"},
		{watch.Health{Service: "web", Tag: "blue"}, "web-1=passing"},
		{watch.Health{Service: "web", Tag: "red"}, ""},
		{watch.Health{Service: "web", Near: "_agent", Tag: "green"}, "web-2=critical"},
		{watch.Health{Service: "api"}, "api=passing"},
		{watch.Health{Service: "none"}, ""},
		{watch.Health{Service: "api", Scope: watch.Scope{Datacenter: "dc1", Namespace: "default", Partition: "default"}}, "api=passing"},
	} {
		t.Run(test.query.String(), func(t *testing.T) {
			instances, _ := ask(t, c, test.query)
			var got []string
			for _, i := range instances {
				got = append(got, i.Service.ID+"="+i.Status())
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKV(t *testing.T) {
	c := newCatalog(t, folderOf(t, map[string]string{
		"kv/app/motd":      "hello\n",
		"kv/app/db/port":   "5432",
		"kv/apple":         "red\r\n",
		"kv/app/two":       "a\n\n",
		"kv/.hidden":       "no",
		"kv/app/.motd.swp": "no",
		"kv/app/motd~":     "no",
	}))
	pair, _ := ask(t, c, watch.Key{Path: "app/motd"})
	if diff := cmp.Diff(&watch.Pair{Key: "app/motd", Value: "hello", CreateIndex: 1, ModifyIndex: 1}, pair); diff != "" {
		t.Error(diff)
	}
	if pair, _ := ask(t, c, watch.Key{Path: "app"}); pair != nil {
		t.Errorf("a folder is no key, got %v", pair)
	}
	pairs, _ := ask(t, c, watch.Prefix{Path: "app"})
	var got []string
	for _, p := range pairs {
		got = append(got, fmt.Sprintf("%s=%q", p.Key, p.Value))
	}
	want := []string{`app/db/port="5432"`, `app/motd="hello"`, `app/two="a\n"`, `apple="red"`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, test := range []struct {
		query watch.Keys
		want  []string
	}{
		{watch.Keys{Path: "app/", Separator: "/"}, []string{"app/db/", "app/motd", "app/two"}},
		{watch.Keys{Path: "app", Separator: "/"}, []string{"app/", "apple"}},
		{watch.Keys{Path: "app/d"}, []string{"app/db/port"}},
		{watch.Keys{Path: "none"}, []string{}},
	} {
		keys, _ := ask(t, c, test.query)
		if diff := cmp.Diff(test.want, keys); diff != "" {
			t.Errorf("%s: %s", test.query, diff)
		}
	}
}

func TestNodes(t *testing.T) {
	c := newCatalog(t, folderOf(t, map[string]string{"web.json": web}))
	nodes, _ := ask(t, c, watch.Nodes{Near: "_agent"})
	if len(nodes) != 1 || nodes[0].Name != "node-a" || nodes[0].Address != "10.0.0.1" {
		t.Errorf("nodes: %v", nodes)
	}
	for _, name := range []string{"", "node-a"} {
		node, _ := ask(t, c, watch.Node{Name: name})
		if node == nil || node.Node.Name != "node-a" || len(node.Services) != 5 {
			t.Errorf("node %q: %v", name, node)
		}
	}
	if node, _ := ask(t, c, watch.Node{Name: "other"}); node != nil {
		t.Errorf("an unknown node: %v", node)
	}
	if dcs, _ := ask(t, c, watch.Datacenters{}); !cmp.Equal(dcs, []string{"dc1"}) {
		t.Errorf("datacenters: %v", dcs)
	}
}

func TestUnsupported(t *testing.T) {
	c := newCatalog(t, t.TempDir())
	for _, test := range []struct {
		query watch.Query
		want  string
		is    error
	}{
		{watch.Services{Filter: "x"}, "filters", errors.ErrUnsupported},
		{watch.Health{Service: "web", Connect: true}, "service mesh", errors.ErrUnsupported},
		{watch.Key{Scope: watch.Scope{Namespace: "team"}}, "namespaces", errors.ErrUnsupported},
		{watch.Key{Scope: watch.Scope{Datacenter: "dc2"}}, `no datacenter "dc2"`, nil},
		{watch.PreparedQuery{Name: "x"}, "no source", watch.ErrUnanswerable},
	} {
		_, err := c.Fetch(t.Context(), watch.Request{Query: test.query})
		if err == nil || !strings.Contains(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
			t.Errorf("%s: got %v, want %q", test.query, err, test.want)
		}
	}
	if c.Answers(watch.File{Path: "x"}) || c.Answers(watch.PreparedQuery{}) {
		t.Error("a catalog answers neither files nor prepared queries")
	}
	if !c.Answers(watch.Services{}) || !c.Answers(watch.Datacenters{}) {
		t.Error("a catalog answers services and datacenters")
	}
}

// A reply belongs to the caller: what is done to it must not show in another.
func TestRepliesAreCopies(t *testing.T) {
	c := newCatalog(t, folderOf(t, map[string]string{"web.json": `{"service": {
		"name": "web", "address": "10.0.0.9", "tags": ["a"], "meta": {"k": "v"}, "check": {}}}`, "kv/a": "b"}))
	spoil := func() {
		instances, _ := ask(t, c, watch.Health{Service: "web"})
		i := instances[0]
		i.Service.Tags[0], i.Service.Meta["k"], i.Checks[0].Status, i.Checks[0].ServiceTags[0] = "x", "x", "x", "x"
		i.Node.TaggedAddresses["lan"] = "x"
		clear(i.Service.TaggedAddresses)
		pair, _ := ask(t, c, watch.Key{Path: "a"})
		pair.Value = "x"
	}
	before, _ := ask(t, c, watch.Health{Service: "web"})
	spoil()
	after, _ := ask(t, c, watch.Health{Service: "web"})
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
	if pair, _ := ask(t, c, watch.Key{Path: "a"}); pair.Value != "b" {
		t.Errorf("the pair is now %q", pair.Value)
	}
}

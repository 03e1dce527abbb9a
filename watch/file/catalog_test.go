package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

func ids(instances []watch.Instance) string {
	var ids []string
	for _, i := range instances {
		ids = append(ids, i.Service.ID)
	}
	return strings.Join(ids, " ")
}

func TestHotChange(t *testing.T) {
	dir := folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`})
	c := newCatalog(t, dir)
	run(t, c.Run)
	has := func(want string) func([]watch.Instance) bool {
		return func(got []watch.Instance) bool { return ids(got) == want }
	}
	health := watch.Health{Service: "web"}
	await(t, c, health, has("web"))

	write(t, filepath.Join(dir, "two.hcl"), `service { name = "web", id = "web-2" }`)
	await(t, c, health, has("web web-2"))

	// As editors do: a new file takes the place of the old.
	write(t, filepath.Join(dir, ".web.json.tmp"), `{"service": {"name": "web", "id": "web-1"}}`)
	if err := os.Rename(filepath.Join(dir, ".web.json.tmp"), filepath.Join(dir, "web.json")); err != nil {
		t.Fatal(err)
	}
	await(t, c, health, has("web-1 web-2"))

	// In place, with a text of the same length.
	write(t, filepath.Join(dir, "web.json"), `{"service": {"name": "web", "id": "web-9"}}`)
	await(t, c, health, has("web-2 web-9"))

	if err := os.Remove(filepath.Join(dir, "two.hcl")); err != nil {
		t.Fatal(err)
	}
	await(t, c, health, has("web-9"))
}

func TestHotKV(t *testing.T) {
	dir := t.TempDir()
	c := newCatalog(t, dir)
	run(t, c.Run)
	key := watch.Key{Path: "app/deep/motd"}
	is := func(want string) func(*watch.Pair) bool {
		return func(p *watch.Pair) bool { return p != nil && p.Value == want }
	}
	// The folders come later than the watch.
	path := filepath.Join(dir, "kv", "app", "deep", "motd")
	write(t, path, "one\n")
	await(t, c, key, is("one"))
	write(t, path, "two\n")
	await(t, c, key, is("two"))

	if err := os.RemoveAll(filepath.Join(dir, "kv")); err != nil {
		t.Fatal(err)
	}
	await(t, c, key, func(p *watch.Pair) bool { return p == nil })

	// Another folder in the place of the old.
	write(t, path, "three\n")
	await(t, c, key, is("three"))
	write(t, path, "four\n")
	await(t, c, key, is("four"))
}

// A mounted volume is switched by one rename of a symbolic link.
func TestHotSymlink(t *testing.T) {
	dir := folderOf(t, map[string]string{
		"..one/web.json": `{"service": {"name": "web", "id": "one"}}`,
		"..two/web.json": `{"service": {"name": "web", "id": "two"}}`,
	})
	link := func(to, name string) {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("..one", "..data")
	link("..data/web.json", "web.json")
	c := newCatalog(t, dir)
	run(t, c.Run)
	await(t, c, watch.Health{Service: "web"}, func(i []watch.Instance) bool { return ids(i) == "one" })
	link("..two", "..new")
	if err := os.Rename(filepath.Join(dir, "..new"), filepath.Join(dir, "..data")); err != nil {
		t.Fatal(err)
	}
	await(t, c, watch.Health{Service: "web"}, func(i []watch.Instance) bool { return ids(i) == "two" })
}

func TestBadFileKeepsItsLastGoodContent(t *testing.T) {
	dir := folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`})
	var log bytes.Buffer
	o := testOptions()
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c, err := NewCatalog(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	step := func(text, wantIDs, wantFault string) {
		t.Helper()
		if text == "" {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, filepath.Join(dir, "web.json"), text)
		}
		c.reload()
		c.reload() // must log nothing new
		if got := ids(c.state.Load().services["web"].instances); got != wantIDs {
			t.Errorf("after %s: instances %q, want %q", text, got, wantIDs)
		}
		if got := fmt.Sprint(c.Faults()); !strings.Contains(got, wantFault) {
			t.Errorf("after %s: faults %q, want %q", text, got, wantFault)
		}
	}
	step(`{"service": {"name": "web", "prot": 1}}`, "web", `web.json:1: unknown key "prot"`)
	step(`{"service": {"name"`, "web", `unexpected end`)
	step(`{"service": {"name": "web", "id": "new"}}`, "new", "[]")
	step("", "new", "no such file")
	var lines []string
	for line := range strings.Lines(log.String()) {
		_, line, _ = strings.Cut(line, " ") // the time
		line, _, _ = strings.Cut(line, " path=")
		lines = append(lines, line)
	}
	want := []string{
		`level=ERROR msg="fault in the catalog"`,
		`level=ERROR msg="fault in the catalog"`,
		`level=INFO msg="fault in the catalog is gone"`,
		`level=INFO msg="fault in the catalog is gone"`,
		`level=ERROR msg="fault in the catalog"`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Error(diff)
	}
}

// The folder may be moved away and another put in its place.
func TestFolderReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "consul.d")
	write(t, filepath.Join(dir, "web.json"), `{"service": {"name": "web", "id": "one"}}`)
	c := newCatalog(t, dir)
	run(t, c.Run)
	is := func(want string) func([]watch.Instance) bool {
		return func(i []watch.Instance) bool { return ids(i) == want }
	}
	await(t, c, watch.Health{Service: "web"}, is("one"))
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a fault about the folder", func() bool { return len(c.Faults()) == 1 })
	write(t, filepath.Join(dir, "web.json"), `{"service": {"name": "web", "id": "two"}}`)
	eventually(t, "the folder is read again", func() bool { return len(c.Faults()) == 0 })
	await(t, c, watch.Health{Service: "web"}, is("two"))
	write(t, filepath.Join(dir, "web.json"), `{"service": {"name": "web", "id": "three"}}`)
	await(t, c, watch.Health{Service: "web"}, is("three"))
}

// Each change moves the index of the queries whose answers it changes, and of
// no other.
func TestIndexes(t *testing.T) {
	dir := folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`, "kv/a/one": "1"})
	c := newCatalog(t, dir)
	queries := []watch.Query{
		watch.Services{}, watch.Node{}, watch.Nodes{}, watch.Datacenters{},
		watch.Health{Service: "web"}, watch.Health{Service: "api"}, watch.Health{Service: "none"},
		watch.Key{Path: "a/one"}, watch.Key{Path: "a/two"}, watch.Key{Path: "a"}, watch.Prefix{Path: "a/"}, watch.Keys{Path: "a/"}, watch.Prefix{Path: "b/"},
	}
	indexes := func() map[watch.Query]uint64 {
		m := map[watch.Query]uint64{}
		for _, q := range queries {
			reply, err := c.Fetch(t.Context(), watch.Request{Query: q})
			if err != nil {
				t.Fatal(err)
			}
			m[q] = reply.Index
		}
		return m
	}
	for _, step := range []struct {
		path, text string // an empty text removes the file
		want       []string
	}{
		{"web.json", `{"service": {"name": "web"} }`, nil},
		{"api.json", `{"service": {"name": "api", "port": 80}}`, []string{"services", "node", "service api"}},
		{"api.json", `{"service": {"name": "api", "port": 81}}`, []string{"node", "service api"}},
		{"api.json", `{"service": {"name": "api", "port": 81, "tags": ["a"]}}`, []string{"services", "node", "service api"}},
		{"api.json", `{"service": {"name": "api", "port": 81, "tags": ["a"], "check": {"status": "critical"}}}`, []string{"node", "service api"}},
		{"api.json", "", []string{"services", "node", "service api"}},
		{"kv/a/one", "2", []string{"key a/one", "prefix a/"}},
		{"kv/a/two", "2", []string{"key a/two", "prefix a/", "keys a/"}},
		{"kv/a/two", "", []string{"key a/two", "prefix a/", "keys a/"}},
		{"kv/a/two", "3", []string{"key a/two", "prefix a/", "keys a/"}},
		{"kv/a.txt", "x", nil},
	} {
		before := indexes()
		if step.text == "" {
			if err := os.Remove(filepath.Join(dir, step.path)); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, filepath.Join(dir, step.path), step.text)
		}
		c.reload()
		after := indexes()
		var moved []string
		for _, q := range queries {
			if after[q] < before[q] {
				t.Errorf("%s: the index of %s went back", step.path, q)
			}
			if after[q] > before[q] {
				moved = append(moved, q.String())
			}
		}
		if diff := cmp.Diff(step.want, moved); diff != "" {
			t.Errorf("%s %s: %s", step.path, step.text, diff)
		}
	}
}

// Instances and pairs keep the indexes of what did not change.
func TestCreateAndModifyIndex(t *testing.T) {
	dir := folderOf(t, map[string]string{"web.json": `{"services": [{"name": "web", "check": {}}, {"name": "web", "id": "z"}]}`, "kv/a": "1"})
	c := newCatalog(t, dir)
	write(t, filepath.Join(dir, "web.json"), `{"services": [{"name": "web", "check": {"status": "warning"}}, {"name": "web", "id": "z", "port": 2}]}`)
	write(t, filepath.Join(dir, "kv", "a"), "2")
	c.reload()
	got, index := ask(t, c, watch.Health{Service: "web"})
	indexes := fmt.Sprint(
		got[0].Service.CreateIndex, got[0].Service.ModifyIndex, got[0].Checks[0].CreateIndex, got[0].Checks[0].ModifyIndex,
		got[1].Service.CreateIndex, got[1].Service.ModifyIndex, index)
	if indexes != "1 1 1 2 1 2 2" {
		t.Errorf("indexes %s", indexes)
	}
	pair, _ := ask(t, c, watch.Key{Path: "a"})
	if pair.CreateIndex != 1 || pair.ModifyIndex != 2 {
		t.Errorf("pair %+v", pair)
	}
}

func TestFetchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog(t, folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`}))
		for _, test := range []struct{ wait, want time.Duration }{
			{10 * time.Second, 10 * time.Second},
			{0, 5 * time.Minute},
		} {
			start := time.Now()
			reply, err := c.Fetch(t.Context(), watch.Request{Query: watch.Health{Service: "web"}, Index: 1, Wait: test.wait})
			if err != nil || reply.Index != 1 || len(reply.Value.([]watch.Instance)) != 1 {
				t.Errorf("reply %v, %v", reply, err)
			}
			if took := time.Since(start); took != test.want {
				t.Errorf("held for %s, want %s", took, test.want)
			}
		}
	})
}

func TestFetchEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCatalog(t, t.TempDir())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := c.Fetch(ctx, watch.Request{Query: watch.Services{}, Index: 1, Wait: time.Minute})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// Without notices from the kernel a change shows at the next poll.
func TestPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`})
		c := newCatalog(t, dir)
		c.notices.deaf = true
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		write(t, filepath.Join(dir, "web.json"), `{"service": {"name": "web", "id": "web-2"}}`)
		start := time.Now()
		reply, err := c.Fetch(ctx, watch.Request{Query: watch.Health{Service: "web"}, Index: 1, Wait: time.Minute})
		if err != nil || ids(reply.Value.([]watch.Instance)) != "web-2" {
			t.Errorf("reply %v, %v", reply, err)
		}
		if took := time.Since(start); took != pollInterval {
			t.Errorf("seen after %s, want %s", took, pollInterval)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A change wakes only requests whose answer it changes.
func TestUnrelatedChangeWakesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := folderOf(t, map[string]string{"web.json": `{"service": {"name": "web"}}`})
		c := newCatalog(t, dir)
		answered := make(chan string, 2)
		for _, name := range []string{"web", "api"} {
			go func() {
				_, err := c.Fetch(t.Context(), watch.Request{Query: watch.Health{Service: name}, Index: 1, Wait: time.Minute})
				if err == nil {
					answered <- name
				}
			}()
		}
		synctest.Wait()
		start := time.Now()
		write(t, filepath.Join(dir, "api.json"), `{"service": {"name": "api"}}`)
		c.reload()
		if first := <-answered; first != "api" || time.Since(start) != 0 {
			t.Errorf("%s was answered first, after %s", first, time.Since(start))
		}
		if second := <-answered; second != "web" || time.Since(start) != time.Minute {
			t.Errorf("%s was answered after %s", second, time.Since(start))
		}
	})
}

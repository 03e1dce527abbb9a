package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// described is all instances with their ports, and the checks of their own.
func described(t *testing.T, c *Catalog) string {
	t.Helper()
	var all []string
	names, _ := ask(t, c, watch.Services{})
	for _, s := range names {
		instances, _ := ask(t, c, watch.Health{Service: s.Name})
		for _, i := range instances {
			text := fmt.Sprintf("%s:%d", i.Service.ID, i.Service.Port)
			for _, check := range i.Checks {
				text += "+" + check.ID
			}
			all = append(all, text)
		}
	}
	return strings.Join(all, " ")
}

// What cannot be read of a file harms nothing else in it, and keeps what was
// last read of itself.
func TestFaultsAreOfSingleServices(t *testing.T) {
	const good = `{"name": "a", "port": 1}`
	for _, test := range []struct {
		name, before, after, want string
	}{
		{"bad at the start", ``,
			`{"services": [` + good + `, {"name": "b", "port": "x"}]}`, "a:1"},
		{"bad at the start, in HCL", ``,
			"service {\n name = \"a\"\n port = 1\n}\nservice {\n name = \"b\"\n port = \"x\"\n}", "a:1"},
		{"good before", `{"services": [{"name": "b", "port": 2}]}`,
			`{"services": [` + good + `, {"name": "b", "port": "x"}]}`, "a:1 b:2"},
		{"another id was good before", `{"services": [{"name": "b", "id": "b1", "port": 2}]}`,
			`{"services": [` + good + `, {"name": "b", "id": "b2", "port": "x"}]}`, "a:1"},
		{"what was removed stays so", `{"services": [{"name": "b", "port": 2}, {"name": "c", "port": 3}]}`,
			`{"services": [` + good + `, {"name": "b", "port": "x"}]}`, "a:1 b:2"},
		{"a mistyped id", `{"services": [{"name": "b", "id": "b1", "port": 2}, {"name": "c", "port": 3}]}`,
			`{"services": [` + good + `, {"name": "b", "idd": "b1", "port": 2}]}`, "a:1 b1:2"},
		{"nameless", `{"services": [{"name": "b", "port": 2}]}`,
			`{"services": [` + good + `, {"nmae": "b", "port": 2}]}`, "a:1 b:2"},
		{"a mistyped setting of the file", `{"services": [{"name": "b", "port": 2}]}`,
			`{"service": ` + good + `, "servcies": [{"name": "b", "port": 2}]}`, "a:1 b:2"},
		{"a bad check at the start", ``,
			`{"service": ` + good + `, "check": {"id": "c", "service_id": "a", "status": "fine"}}`, "a:1"},
		{"a check that was good before", `{"service": ` + good + `, "check": {"id": "c", "service_id": "a", "status": "critical"}}`,
			`{"service": ` + good + `, "check": {"id": "c", "service_id": "a", "status": "fine"}}`, "a:1+c"},
		{"a nameless check", `{"service": ` + good + `, "check": {"id": "c", "service_id": "a"}}`,
			`{"service": ` + good + `, "check": {"service_id": "a"}}`, "a:1+c"},
		{"broken syntax", `{"services": [` + good + `, {"name": "b", "port": 2}]}`,
			`{"services": [{"name": "a", "port": 7}, `, "a:1 b:2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if test.before != "" {
				write(t, filepath.Join(dir, "x.json"), test.before)
			}
			c := newCatalog(t, dir)
			name := "x.json"
			if test.after[0] != '{' {
				name = "x.hcl"
			}
			write(t, filepath.Join(dir, name), test.after)
			c.reload()
			if got := described(t, c); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if faults := c.Faults(); len(faults) == 0 || faults[0].Line == 0 {
				t.Errorf("faults %v, want one with its line", faults)
			}
			write(t, filepath.Join(dir, name), `{"service": {"name": "z"}}`)
			c.reload()
			if got := described(t, c); got != "z:0" || len(c.Faults()) != 0 {
				t.Errorf("mended, got %s and %v", got, c.Faults())
			}
		})
	}
}

// Without its folder the catalog has nothing to say, and must not pretend that
// what it said is still true.
func TestVanishedFolderIsAnError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "consul.d")
	path := filepath.Join(dir, "web.json")
	write(t, path, `{"service": {"name": "web"}}`)
	c := newCatalog(t, dir)
	run(t, c.Run)
	held := make(chan error, 1)
	go func() {
		_, err := c.Fetch(t.Context(), watch.Request{Query: watch.Health{Service: "web"}, Index: 1, Wait: time.Hour})
		held <- err
	}()
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	if err := <-held; err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("the held request ended with %v", err)
	}
	if _, err := c.Fetch(t.Context(), watch.Request{Query: watch.Services{}}); err == nil {
		t.Error("an answer without a folder")
	}
	if !c.Answers(watch.Services{}) {
		t.Error("the catalog disowns its queries")
	}
	if err := os.Rename(dir+".old", dir); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the folder is back", func() bool {
		_, err := c.Fetch(t.Context(), watch.Request{Query: watch.Services{}})
		return err == nil
	})
	if got := described(t, c); got != "web:0" {
		t.Errorf("got %s", got)
	}
}

package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/watch"
)

// Names without end are in no route, no log and no metric; whose they are is told
// of, and the others are served.
func TestNamesWithoutEnd(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	c := newCatalog()
	c.set(long, at("10.0.0.1", "urlprefix-/long"))
	c.set("shop", at("10.0.0.2", "urlprefix-/shop"))
	lengthy := func(change func(i *watch.Instance)) watch.Instance {
		i := at("10.0.0.3", "urlprefix-/lengthy")
		change(&i)
		return i
	}
	c.set("lengthy", at("10.0.0.4", "urlprefix-/lengthy"),
		lengthy(func(i *watch.Instance) { i.Service.Address = long }),
		lengthy(func(i *watch.Instance) { i.Node.Name = long }),
	)
	identified := c.entries[c.options.health("lengthy")].Value.([]watch.Instance)
	identified = append(identified, lengthy(func(i *watch.Instance) { i.Service.ID = long }))
	c.entries[c.options.health("lengthy")] = watch.Entry{Value: identified, Known: true, Version: c.generation}
	b := c.builder()
	table := b.Build(c.snapshot())
	for path, want := range map[string]int{"/long": 0, "/shop": 1, "/lengthy": 1} {
		targets := 0
		if found, ok := table.Lookup(&match.Request{Host: "h", Path: path, RoutingPath: path}); ok {
			targets = len(found.Endpoints)
		}
		if targets != want {
			t.Errorf("%s has %d targets, want %d", path, targets, want)
		}
	}
	reasons := map[string]string{}
	for _, p := range table.Problems() {
		if len(p.Error()) > 1000 {
			t.Errorf("a problem of %d bytes", len(p.Error()))
		}
		reasons[p.Service] += p.Reason
	}
	if !strings.Contains(reasons[cut(long)], "name of the service") || !strings.Contains(reasons["lengthy"], "left out") {
		t.Errorf("the problems are %v", table.Problems())
	}
	c.set("lengthy", at("10.0.0.4", "urlprefix-/lengthy"))
	c.remove(long)
	if left := b.Build(c.snapshot()).Problems(); len(left) > 0 {
		t.Errorf("what is put right is still told of: %v", left)
	}
}

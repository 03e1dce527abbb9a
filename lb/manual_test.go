package lb

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

func TestManualRoutesFollowTheKVStore(t *testing.T) {
	c := newCatalog()
	c.options.Manual = Manual{RoutesKey: "/fabio/config", PageKey: "fabio/noroute.html"}
	c.set("web", at("10.0.0.1", "urlprefix-www/", "urlprefix-www/old", "register"))
	b := c.builder()
	kv := func(key string, pairs ...watch.Pair) {
		c.generation++
		c.entries[watch.Prefix{Path: key}] = watch.Entry{Value: pairs, Known: true, Version: c.generation}
	}
	if b.Build(c.snapshot()).Complete() {
		t.Fatal("the table is complete although the manual routes have not been heard of")
	}
	kv("fabio/config",
		watch.Pair{Key: "fabio/config", Value: "route del web www/old\nroute add other www/other http://10.9.0.1:80\nbad"},
		watch.Pair{Key: "fabio/config/2", Value: "route add web www/kv http://10.9.0.2:80 opts \"register=kv\""},
		watch.Pair{Key: "fabio/config2", Value: "route del web"})
	kv("fabio/noroute.html", watch.Pair{Key: "fabio/noroute.html", Value: " <html>none</html>\n"}, watch.Pair{Key: "fabio/noroute.html.bak", Value: "x"})
	table := b.Build(c.snapshot())
	if got := routeNames(table); got != "www/other www/kv www/" {
		t.Errorf("routes %q", got)
	}
	if table.noRoute.text != "<html>none</html>" || !strings.HasPrefix(table.noRoute.contentType, "text/html") {
		t.Errorf("page %+v", table.noRoute)
	}
	if p := table.Problems(); len(p) != 1 || p[0].Source != "key fabio/config, line 3" {
		t.Errorf("problems %+v", p)
	}
	if a := table.Aliases(); len(a) != 1 || a[0] != "kv" {
		t.Errorf("aliases %v", a)
	}
	kv("fabio/config")
	kv("fabio/noroute.html")
	table = b.Build(c.snapshot())
	if got := routeNames(table); got != "www/old www/" || len(table.Problems()) > 0 || len(table.Aliases()) > 0 || table.noRoute.text != "" {
		t.Errorf("without the keys there are routes %q and %v", got, table.Problems())
	}
}

func TestServiceOfManualRoutesComesAndGoes(t *testing.T) {
	c := newCatalog()
	c.options.Manual.Text = "route add web www/manual http://10.9.0.1:80"
	b := c.builder()
	check := func(want string) {
		t.Helper()
		if got := routeNames(b.Build(c.snapshot())); got != want {
			t.Errorf("routes %q, want %q", got, want)
		}
	}
	check("www/manual")
	c.list("web", at("10.0.0.1", "urlprefix-www/"))
	check("www/manual")
	c.set("web", at("10.0.0.1", "urlprefix-www/"))
	check("www/manual www/")
	c.remove("web")
	check("www/manual")
}

func routeNames(t *Table) string {
	var names []string
	for _, r := range t.Routes() {
		names = append(names, r.Name)
	}
	return strings.Join(names, " ")
}

// Thousands of commands, each of a service of its own, cost what they are and not what
// they are times themselves; so do tables that follow.
func TestManualRoutesWithoutNumber(t *testing.T) {
	const n = 30_000
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "route add m%d /m%d http://10.0.0.1:80/\nroute del m%d /other\nroute nonsense %d\n", i, i, i, i)
	}
	c := newCatalog()
	c.options.Manual.Text = text.String()
	c.set("shop", at("10.0.0.2", "urlprefix-/shop"))
	b := c.builder()
	table := b.Build(c.snapshot()) // takes minutes, if each is looked at for each
	if len(table.Routes()) != n+1 {
		t.Errorf("%d routes", len(table.Routes()))
	}
	if n := len(table.Problems()); n != tags.MaxProblems+1 {
		t.Errorf("%d problems", n)
	}
	c.set("m7", at("10.0.0.3", "urlprefix-/mine"))
	if table = b.Build(c.snapshot()); len(table.Routes()) != n+2 {
		t.Errorf("%d routes with those of tags", len(table.Routes()))
	}
	c.remove("m7")
	if table = b.Build(c.snapshot()); len(table.Routes()) != n+1 {
		t.Errorf("%d routes without those of tags", len(table.Routes()))
	}
}

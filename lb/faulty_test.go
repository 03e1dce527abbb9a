package lb

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// breakable are middlewares that may break and be mended.
type breakable struct {
	anyMiddleware
	err *error
}

func (b breakable) Middleware(string, spec.Middleware) (Middleware, error) { return b, nil }

func (b breakable) Fault() (varies bool, err error) { return true, *b.err }

// A route whose middleware is broken is served and told of, until that is mended.
// Nothing is built anew while nothing has changed.
func TestFaultsOfMiddlewares(t *testing.T) {
	c := newCatalog()
	var broken error
	c.options.Middlewares = breakable{err: &broken}
	c.options.Tags.FabioAuth = map[string]spec.Middleware{"staff": &spec.BasicAuth{}}
	c.set("shop", at("10.0.0.1", "urlprefix-/private auth=staff"))
	b := c.builder()
	check := func(step string, changed bool, problem string) {
		t.Helper()
		if got := b.linker.recheck(); got != changed {
			t.Errorf("%s: changed %v, want %v", step, got, changed)
		}
		table := b.Build(c.snapshot())
		var got []string
		for _, p := range table.Problems() {
			got = append(got, p.Service+" "+p.Route+": "+p.Reason)
		}
		if text := strings.Join(got, "\n"); text != problem || len(table.Routes()) != 1 && step != "deregistered" {
			t.Errorf("%s: problems %q, want %q; %d routes", step, text, problem, len(table.Routes()))
		}
	}
	check("at first", false, "")
	check("the same", false, "")
	broken = errors.New("no such file")
	check("broken", true, "shop /private: basicauth: no such file")
	check("still", false, "shop /private: basicauth: no such file")
	broken = errors.New("line 1")
	check("otherwise", true, "shop /private: basicauth: line 1")
	broken = nil
	check("mended", true, "")
	c.set("shop")
	check("deregistered", false, "")
	broken = errors.New("no such file")
	check("deregistered", false, "")
	if len(b.linker.faulty) != 0 {
		t.Error("it is still looked at")
	}
}

package difftest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/funcs"
)

// Arguments made at random are taken by both programs or by neither. No data
// is needed for that, hence no Consul.
func TestGrammar(t *testing.T) {
	theirs := program{"consul-template", parts.Path(t, "consul-template")}
	const calls = 600
	random := rand.New(rand.NewPCG(1, 2))
	texts := make([]string, calls)
	taken := make([]bool, calls)
	dir := t.TempDir()
	var group errgroup.Group
	group.SetLimit(4)
	for i := range texts {
		texts[i] = fmt.Sprintf("{{ %s %q }}", pick(random, dataFunctions), randomArgument(random))
		group.Go(func() error {
			path := filepath.Join(dir, fmt.Sprint(i))
			if err := os.WriteFile(path, []byte(texts[i]), 0o600); err != nil {
				return err
			}
			o := theirs.run(t, dir, nil, "-parse-only", "-log-level=err", "-template", path+":"+path+".out")
			taken[i] = o.exit == 0
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	count := 0
	for i, text := range texts {
		if taken[i] {
			count++
		}
		if err := execute(text); (err == nil) != taken[i] {
			t.Errorf("%s: consul-template takes it: %v; sluice: %v", text, taken[i], err)
		}
	}
	if count < calls/10 || count > calls*9/10 {
		t.Errorf("consul-template takes %d of %d calls: that tests little", count, calls)
	}
}

var dataFunctions = []string{"key", "keyExists", "ls", "tree", "service", "connect", "services", "nodes", "node", "peerings"}

// randomArgument mostly makes what comes close to an argument.
func randomArgument(random *rand.Rand) string {
	names := []string{"", "web", "a.b", "tag.web", "v=1:2.web", ".web", "tag.", "x-1_y", "a/b", "/a/", "ü", "a b", "a+b", "a%b", "-", "_", "web|x"}
	parts := []string{
		"?", "?ns=x", "?ns=x&partition=y", "?peer=p", "?foo=x", "?ns", "?ns=", "?=", "?&", "?sameness-group=g", "?ns=a.b", "?ns=x?partition=y",
		"@", "@dc1", "@dc-1.x_y", "@d c", "@dc@dc", "@ü",
		"~", "~_agent", "~n-1.x", "~a b", "~n~n",
		"|", "|any", "|passing,warning", "|,", "|nope", "|passing,", "|any|any", "|Passing",
	}
	var b strings.Builder
	b.WriteString(pick(random, names))
	for range random.IntN(4) {
		b.WriteString(pick(random, parts))
	}
	return b.String()
}

func pick(random *rand.Rand, from []string) string { return from[random.IntN(len(from))] }

// execute runs a template without any data.
func execute(text string) error {
	p, err := render.Parse(render.Template{Contents: text})
	if err != nil {
		return err
	}
	_, err = p.Execute(funcs.Inputs{})
	return err
}

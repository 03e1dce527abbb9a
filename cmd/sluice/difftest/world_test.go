package difftest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// world is what both programs see.
type world struct {
	consul *parts.Consul // nil in those of Vault and Nomad
	theirs program
	ours   program
	env    []string // where the servers are
	retry  []string // arguments that make an end of hopeless attempts
}

// The agent's own limit would keep consul-template from rendering many
// templates in one run.
const agentConfig = `{"limits": {"http_max_conns_per_client": 10000}}`

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		theirs: program{"consul-template", parts.Path(t, "consul-template")},
		ours:   program{"sluice", sluice(t)},
		consul: parts.StartConsul(t, agentConfig),
		retry:  []string{"-consul-retry-attempts=2", "-consul-retry-backoff=10ms"},
	}
	w.env = []string{"CONSUL_HTTP_ADDR=" + w.consul.Addr}
	w.awaitNode(t)
	for _, f := range readArchive(t, "testdata/world/catalog.txtar").Files {
		method, path, _ := strings.Cut(f.Name, " ")
		w.consul.Do(method, "/v1/"+path, string(f.Data))
	}
	for _, f := range readArchive(t, "testdata/world/kv.txtar").Files {
		key, flags, _ := strings.Cut(f.Name, " flags=")
		path := (&url.URL{Path: key}).EscapedPath() + "?flags=" + cmp.Or(flags, "0")
		w.consul.PutKey(path, strings.TrimSuffix(string(f.Data), "\n"))
	}
	return w
}

// awaitNode waits until the agent has registered all of its own node, which it
// does some time after it answers.
func (w *world) awaitNode(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if strings.Contains(w.consul.Do("GET", "/v1/catalog/node/test", ""), "lan_ipv4") {
			return
		}
	}
	t.Fatal("the agent has not registered its node")
}

// environment of both programs.
func (w *world) environment(more ...string) []string {
	return slices.Concat([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.TempDir(),
		"DIFF_TEXT=text of the environment",
		"DIFF_EMPTY=",
	}, w.env, more)
}

var builtSluice struct {
	sync.Once
	dir string
	err error
}

// sluice builds the program, once, and returns its path.
func sluice(t *testing.T) string {
	t.Helper()
	builtSluice.Do(func() {
		builtSluice.dir, builtSluice.err = os.MkdirTemp("", "difftest-")
		if builtSluice.err != nil {
			return
		}
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", builtSluice.dir, "github.com/sluiceproxy/sluice/cmd/sluice")
		if out, err := cmd.CombinedOutput(); err != nil {
			builtSluice.err = fmt.Errorf("building sluice: %w\n%s", err, out)
		}
	})
	if builtSluice.err != nil {
		t.Fatal(builtSluice.err)
	}
	return filepath.Join(builtSluice.dir, "sluice")
}

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(builtSluice.dir)
		os.Exit(code)
	}))
}

func readArchive(t *testing.T, path string) *txtar.Archive {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// unpack writes files to dir. Those whose text begins with #! can be executed.
func unpack(t *testing.T, dir string, files []txtar.File) {
	t.Helper()
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(f.Data), "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
}

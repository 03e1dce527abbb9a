package compat

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

var update = flag.Bool("update", false, "write down what the programs answer, and the document")

// built is the folder of the program under test.
var built string

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(built)
		os.Exit(code)
	}))
}

// stage is what all worlds are played on, one after the other.
type stage struct {
	sluice    string // the program
	consul    *parts.Consul
	authority *authority
	backends  backends
	// routes are what the backend "routes" serves: the file routes.json of a world.
	routes atomic.Pointer[string]
	gate   gate
	// collector is the backend "collector".
	collector *tracingtest.Collector
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{consul: parts.StartConsul(t), authority: newAuthority(t), gate: newGate()}
	s.backends = startBackends(t, s.authority.issue(t, "backend.test").TLS(), s.gate)
	s.backends[onNode] = startAt(t, s.consul.IP+":0", echo(onNode))
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, *s.routes.Load())
	}))
	t.Cleanup(registry.Close)
	s.collector = tracingtest.Start(t, nil)
	s.backends["collector"] = s.collector.Addr
	s.backends["routes"] = registry.Listener.Addr()
	s.sluice = sluice(t)
	return s
}

// sluice is the program under test, which is built once.
func sluice(t *testing.T) string {
	t.Helper()
	path := filepath.Join(built, "sluice")
	if built != "" {
		return path
	}
	var err error
	if built, err = os.MkdirTemp("", "compat-"); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(built, "sluice")
	build := exec.CommandContext(context.WithoutCancel(t.Context()), "go", "build", "-o", path, "github.com/sluiceproxy/sluice/cmd/sluice")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building sluice: %v\n%s", err, out)
	}
	return path
}

// readWorlds reads all worlds in which a peer was asked.
func readWorlds(t *testing.T, peer string) (all []*world) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", peer, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases found: %v", err)
	}
	for _, path := range paths {
		w, err := readWorld(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, w)
	}
	return all
}

// TestCompatibility asks sluice what each case asks, and its peer too if there
// is one, and compares the answers with those that are written down. Those of
// sluice that differ from the peer's need a note with the reason.
func TestCompatibility(t *testing.T) {
	s := newStage(t)
	for name, peer := range peers {
		t.Run(name, func(t *testing.T) {
			for _, w := range readWorlds(t, name) {
				t.Run(w.name(), func(t *testing.T) { s.play(t, w, name, peer) })
			}
		})
	}
}

// play registers what a world has and asks.
func (s *stage) play(t *testing.T, w *world, name string, p peer) {
	s.furnish(t, w, p)
	routes := s.addresses(w.file("routes.json"))
	s.routes.Store(&routes)
	begin := map[string]func(t *testing.T) *running{
		"sluice": func(t *testing.T) *running { return s.start(t, s.sluice, w, p.ours) },
	}
	if path := os.Getenv(p.env); p.env != "" && path != "" {
		begin[name] = func(t *testing.T) *running { return s.start(t, path, w, p.theirs) }
	}
	programs := map[string]*running{}
	for program, begin := range begin {
		if w.isApart() {
			t.Run(program, func(t *testing.T) {
				r := begin(t)
				r.awaitWorld(t, w, p, program)
				for _, c := range w.cases {
					r.check(t, c, program)
				}
			})
			continue
		}
		programs[program] = begin(t)
	}
	for program, r := range programs {
		r.awaitWorld(t, w, p, program)
	}
	for _, c := range w.cases {
		t.Run(c.name, func(t *testing.T) {
			for program, r := range programs {
				r.check(t, c, program)
			}
			c.compare(t, name)
		})
	}
	if *update {
		w.write(t, "sluice", name)
	}
}

// awaitWorld waits until the program routes what the world has.
func (r *running) awaitWorld(t *testing.T, w *world, p peer, program string) {
	t.Helper()
	patience := patience
	if program != "sluice" && w.freezes() {
		patience = time.Second
	}
	if err := r.await(p.ready, patience); err != nil && (program == "sluice" || !w.freezes()) {
		t.Fatal(err)
	}
}

// check compares the answers of one program with those that are written down.
func (r *running) check(t *testing.T, c *testCase, program string) {
	t.Helper()
	for _, q := range c.questions {
		want, known := q.answers[program]
		got := r.ask(q, c.host())
		if program != "sluice" && known && got != want {
			// Its keys are read apart from its routes; only they may come late.
			for deadline := time.Now().Add(time.Second); got != want && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
				got = r.ask(q, c.host())
			}
		}
		if *update {
			q.answers[program] = got
		} else if got != want {
			t.Errorf("%s: %s answers\n  %s, not\n  %s", q, program, got, want)
		}
	}
}

// compare tells of differences without a reason, and of reasons without one.
func (c *testCase) compare(t *testing.T, peer string) {
	t.Helper()
	differ := false
	for _, q := range c.questions {
		theirs, known := q.answers[peer]
		if !known {
			t.Errorf("%s: what %s answers is not written down; if %q is a variable, set it to its path and use -update", q, peer, peers[peer].env)
		}
		if theirs != q.answers["sluice"] {
			differ = true
			if c.note == "" {
				t.Errorf("%s: without a note why, sluice answers\n  %s, but %s\n  %s", q, q.answers["sluice"], peer, theirs)
			}
		}
	}
	if !differ && c.note != "" {
		t.Errorf("there is a note, but no difference: %s", c.note)
	}
}

func (c *testCase) host() string { return c.name + ".test" }

// furnish registers all instances and writes all keys of a world, until its
// test ends.
func (s *stage) furnish(t *testing.T, w *world, p peer) {
	t.Helper()
	keys := slices.Clone(keysOf(p.readyKeys))
	for _, c := range w.cases {
		for n, i := range c.instances {
			s.register(t, fmt.Sprintf("%s-%d", c.name, n), i)
		}
		keys = append(keys, c.keys...)
	}
	s.register(t, "ready", instance{backend: "a", service: "ready", checks: []string{"passing"}, tags: p.readyTags})
	for _, k := range keys {
		s.consul.PutKey(k.name, s.addresses(k.value))
	}
	t.Cleanup(func() { s.consul.Do("DELETE", "/v1/kv/?recurse", "") }) // with what the programs have written
}

func keysOf(values map[string]string) (keys []key) {
	for name, value := range values {
		keys = append(keys, key{name, value})
	}
	return keys
}

// addresses puts those of the backends into a text.
func (s *stage) addresses(text string) string {
	for name, at := range s.backends {
		text = strings.ReplaceAll(text, "{"+name+"}", at.String())
	}
	return text
}

func (s *stage) register(t *testing.T, id string, i instance) {
	t.Helper()
	at, ok := s.backends[i.backend]
	if !ok {
		t.Fatalf("%s: there is no backend %q", id, i.backend)
	}
	type check struct{ Name, TTL, Status string }
	var checks []check
	for n, status := range i.checks {
		checks = append(checks, check{fmt.Sprint("check ", n), "1h", status})
	}
	tcp := at.(*net.TCPAddr)
	address := tcp.IP.String()
	if i.backend == onNode {
		address = ""
	}
	tags := slices.Clone(i.tags)
	for n := range tags {
		tags[n] = s.addresses(tags[n])
	}
	wanted := map[string]any{
		"ID": id, "Name": i.service, "Tags": tags, "Address": address, "Port": tcp.Port, "Checks": checks,
	}
	if i.weight != 0 {
		wanted["Weights"] = map[string]int{"Passing": i.weight, "Warning": 1}
	}
	if i.kind != "" {
		wanted["Kind"], wanted["Proxy"] = i.kind, map[string]string{"DestinationServiceName": "ready"}
	}
	body, err := json.Marshal(wanted)
	if err != nil {
		t.Fatal(err)
	}
	s.consul.Register(string(body))
	if i.maintenance {
		s.consul.Do("PUT", "/v1/agent/service/maintenance/"+id+"?enable=true", "")
	}
	t.Cleanup(func() { s.consul.Deregister(id) })
}

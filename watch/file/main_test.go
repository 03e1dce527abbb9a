package file

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/watch"
)

var update = flag.Bool("update", false, "write the golden parts of testdata anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testOptions do not depend on the machine.
func testOptions() Options {
	return Options{Node: "node-a", Address: "10.0.0.1", Datacenter: "dc1", Logger: slog.New(slog.DiscardHandler)}
}

func newCatalog(t testing.TB, dir string) *Catalog {
	t.Helper()
	c, err := NewCatalog(dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// folderOf makes a folder of files; their names are relative, with slashes.
func folderOf(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run runs the source until the test ends.
func run(t testing.TB, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// ask fetches at once.
func ask[A any](t testing.TB, s watch.Source, q watch.For[A]) (A, uint64) {
	t.Helper()
	reply, err := s.Fetch(t.Context(), watch.Request{Query: q})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return reply.Value.(A), reply.Index
}

// await fetches, blocking, until the answer is as wanted.
func await[A any](t testing.TB, s watch.Source, q watch.For[A], ok func(A) bool) A {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for index := uint64(0); ; {
		reply, err := s.Fetch(ctx, watch.Request{Query: q, Index: index, Wait: time.Minute})
		if err != nil {
			t.Fatalf("%s: %v", q, err)
		}
		if a := reply.Value.(A); ok(a) {
			return a
		}
		index = reply.Index
	}
}

// eventually polls a condition that nothing announces.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

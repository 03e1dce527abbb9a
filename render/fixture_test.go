package render

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/capture"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a renderer at work on a fake source, in a folder of its own.
type bench struct {
	t      *testing.T
	dir    string
	source *watchtest.Source
	out    *capture.Buffer
	log    *capture.Buffer
	*Renderer

	stop func() error // ends the renderer and returns Run's error
	done chan struct{}
	err  error
}

// start runs a renderer until the end of the test. Destinations are in the
// bench's folder.
func start(t *testing.T, o Options) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), source: watchtest.New()}
	b.start(o)
	return b
}

// start also starts another process's worth of renderer on the same folder.
func (b *bench) start(o Options) {
	b.t.Helper()
	b.out, b.log, b.done = &capture.Buffer{}, &capture.Buffer{}, make(chan struct{})
	o = b.complete(o)
	options := watch.DefaultOptions()
	options.Logger = slog.New(slog.DiscardHandler)
	watcher := watch.New(options, b.source)
	var err error
	if b.Renderer, err = New(o, watcher); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { watcher.Run(ctx) })
	wait.Go(func() {
		defer close(b.done)
		b.err = b.Run(ctx)
	})
	b.stop = func() error {
		cancel()
		wait.Wait()
		return b.err
	}
	b.t.Cleanup(func() { b.stop() })
}

func (b *bench) complete(o Options) Options {
	d := DefaultOptions()
	o.Stdout, o.Stderr = b.out, b.out
	o.Logger = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Env = func(string) (string, bool) { return b.dir, true }
	if o.MissingAfter == 0 {
		o.MissingAfter = d.MissingAfter
	}
	if o.Retry == (watch.Backoff{}) {
		o.Retry = d.Retry
	}
	o.CommandEnv = append(os.Environ(), "DIR="+b.dir)
	o.Templates = append([]Template(nil), o.Templates...)
	for i := range o.Templates {
		if d := o.Templates[i].Destination; d != "" && d != stream && !filepath.IsAbs(d) {
			o.Templates[i].Destination = b.path(d)
		}
	}
	return o
}

// once runs a renderer to its end.
func once(t *testing.T, o Options) (*bench, error) {
	t.Helper()
	o.Once = true
	b := start(t, o)
	<-b.done
	return b, b.stop()
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) read(name string) string {
	text, err := os.ReadFile(b.path(name))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return string(text)
}

// awaitFile waits until a file has that content.
func (b *bench) awaitFile(name, want string) {
	b.t.Helper()
	b.await(name+" = "+want, func() bool { return b.read(name) == want })
}

func (b *bench) awaitState(i int, want State) TemplateStatus {
	b.t.Helper()
	b.await("state "+string(want), func() bool { return b.Status()[i].State == want })
	return b.Status()[i]
}

func (b *bench) await(what string, condition func() bool) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if condition() {
			return
		}
	}
	b.t.Fatalf("waited in vain for: %s\nstatus %+v\nlog:\n%s", what, b.Status(), b.log)
}

// text is a template with contents.
func text(contents, destination string) Template {
	t := DefaultTemplate()
	t.Contents, t.Destination = contents, destination
	return t
}

func (b *bench) setKey(path, value string) {
	b.source.Set(watch.Key{Path: path}, &watch.Pair{Key: path, Value: value})
}

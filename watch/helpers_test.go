package watch_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// inBubble runs a test on a watcher over a fake source, in fake time. The
// options are the defaults unless change alters them.
func inBubble(t *testing.T, test func(t *testing.T, b *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{t: t, source: watchtest.New(), options: watch.DefaultOptions()}
		b.options.Logger = slog.New(slog.DiscardHandler)
		test(t, b)
	})
}

type bubble struct {
	t       *testing.T
	source  *watchtest.Source
	options watch.Options
	watcher *watch.Watcher
	wants   *watch.Wants
}

// watch starts the watcher, wants the queries and gives it a second: time for
// all to be answered, published and quiet again.
func (b *bubble) watch(queries ...watch.Query) {
	b.t.Helper()
	b.watcher = watch.New(b.options, b.source)
	b.wants = b.watcher.Register("test")
	b.wants.Set(queries...)
	run(b.t, b.watcher)
	time.Sleep(time.Second)
	synctest.Wait()
}

// run runs w until the test ends.
func run(t *testing.T, w *watch.Watcher) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

// entry returns the published entry of q.
func (b *bubble) entry(q watch.Query) watch.Entry {
	b.t.Helper()
	e, ok := b.watcher.Snapshot().Entry(q)
	if !ok {
		b.t.Fatalf("%s is not in the snapshot", q)
	}
	return e
}

// status returns the live state of q.
func (b *bubble) status(q watch.Query) watch.QueryStatus {
	b.t.Helper()
	for _, s := range b.watcher.Status().Queries {
		if s.Query == q {
			return s
		}
	}
	b.t.Fatalf("%s has no status", q)
	return watch.QueryStatus{}
}

// changed reports whether a change was signalled since the last call.
func changed(c *watch.Wants) bool {
	select {
	case <-c.Changed():
		return true
	default:
		return false
	}
}

var motd = watch.Key{Path: "app/motd"}

func pair(value string) *watch.Pair { return &watch.Pair{Key: motd.Path, Value: value} }

// value is the published value of motd; "" if there is none.
func (b *bubble) value() string {
	p, _ := watch.Get(b.watcher.Snapshot(), motd)
	if p == nil {
		return ""
	}
	return p.Value
}

func instances(ids ...string) []watch.Instance {
	list := make([]watch.Instance, len(ids))
	for i, id := range ids {
		list[i].Service.ID = id
	}
	return list
}

package watch_test

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// hasty is a source with pauses of its own.
type hasty struct {
	*watchtest.Source
	backoff watch.Backoff
}

func (h hasty) Backoff() watch.Backoff { return h.backoff }

func TestSourceMayHavePausesOfItsOwn(t *testing.T) {
	attempts := func(own watch.Backoff) (n int) {
		inBubble(t, func(t *testing.T, b *bubble) {
			b.options.Backoff = watch.Backoff{Min: time.Hour, Max: time.Hour}
			b.source.Deny(motd) // a refusal, after which pauses are the longest
			b.watcher = watch.New(b.options, hasty{b.source, own})
			b.watcher.Register("test").Set(motd)
			run(t, b.watcher)
			time.Sleep(time.Minute)
			n = b.source.Requests(motd)
		})
		return n
	}
	if n := attempts(watch.Backoff{}); n != 1 {
		t.Errorf("without pauses of its own it was asked %d times, want once", n)
	}
	if n := attempts(watch.Backoff{Min: time.Second, Max: 2 * time.Second}); n < 30 {
		t.Errorf("with pauses of at most 2s it was asked %d times in a minute", n)
	}
}

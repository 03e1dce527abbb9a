package file

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Contents is a [watch.Source] for the contents of local files
// ([watch.File]), byte for byte. A file's index counts the texts seen in it.
//
// With Run, changes are noticed as they happen; without, blocked requests look
// every two seconds. A file that is missing is an error that wraps
// [fs.ErrNotExist].
type Contents struct {
	notices notices

	mu      sync.Mutex
	files   map[string]text
	changed chan struct{} // closed at the next notice
}

var _ watch.Source = (*Contents)(nil)

// text is what was last read of a file.
type text struct {
	content string
	index   uint64
	info    fs.FileInfo // nil after a failure
}

// NewContents returns a source that reads files on demand.
func NewContents(log *slog.Logger) *Contents {
	return &Contents{
		notices: notices{log: log},
		files:   map[string]text{},
		changed: make(chan struct{}),
	}
}

// Run notices changes of the files that were asked for until ctx ends, and
// then returns nil. It must be called once at most.
func (c *Contents) Run(ctx context.Context) error {
	return c.notices.run(ctx, c.wake, func() {
		if c.notices.watch() {
			c.wake()
		}
	})
}

// wake makes all blocked requests look at their files.
func (c *Contents) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// Answers implements [watch.Source].
func (c *Contents) Answers(q watch.Query) bool {
	_, ok := q.(watch.File)
	return ok
}

// Fetch implements [watch.Source]. A Wait of 0 is five minutes.
func (c *Contents) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	q, ok := r.Query.(watch.File)
	if !ok {
		return watch.Reply{}, fmt.Errorf("reading %s: %w", r.Query, watch.ErrUnanswerable)
	}
	// Editors and mounts replace files: it is the folder that tells.
	c.notices.watch(filepath.Dir(q.Path))
	timeout := time.NewTimer(hold(r.Wait))
	defer timeout.Stop()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for expired := false; ; {
		if err := ctx.Err(); err != nil {
			return watch.Reply{}, err
		}
		t, changed, err := c.read(q.Path)
		if err != nil {
			return watch.Reply{}, err
		}
		if expired || r.Index == 0 || t.index > r.Index {
			return watch.Reply{Value: t.content, Index: t.index}, nil
		}
		for same := true; same && !expired && ctx.Err() == nil; {
			select {
			case <-ctx.Done():
			case <-timeout.C:
				expired = true
			case <-changed:
				same = false
			case <-poll.C:
				info, err := os.Stat(q.Path)
				same = err == nil && sameFile(info, t.info)
			}
		}
	}
}

// read reads a file and moves its index on if the text is another than the
// last. The channel is closed at the first notice after the read began.
func (c *Contents) read(path string) (text, <-chan struct{}, error) {
	c.mu.Lock()
	changed := c.changed
	c.mu.Unlock()
	// Not under the lock: a file on a dead mount must hold up no other.
	content, info, err := load(path)
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.files[path]
	if err != nil {
		// The next success is news even if it is the same text.
		c.files[path] = text{index: t.index}
		return text{}, nil, fmt.Errorf("reading file %s: %w", path, withoutPath(err))
	}
	if t.info == nil || t.content != content {
		t.index++
	}
	t.content, t.info = content, info
	c.files[path] = t
	return t, changed, nil
}

// load reads a file with the metadata it had before, so that a change in
// between shows as a difference later.
func load(path string) (string, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", nil, err
	}
	content, err := readRegular(path, info)
	return content, info, err
}

// Streams is 0: a request takes no connection, so any number may wait at once.
func (c *Contents) Streams() int { return 0 }

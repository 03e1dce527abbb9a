package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long a folder must be still before it is read: editors and
	// copies change a file in several steps.
	quiet = 50 * time.Millisecond
	// impatience bounds the wait for a folder that is never still.
	impatience = time.Second
	// pollInterval is for what is never notified: network mounts, targets of
	// symbolic links, folders beyond the kernel's limits.
	pollInterval = 2 * time.Second
)

// notices tells of changes in folders. Before run it only remembers which.
type notices struct {
	log  *slog.Logger
	deaf bool // poll only; for tests on a simulated clock

	mu      sync.Mutex
	folders []string
	failed  map[string]bool // folders whose watch failed, logged once
	watcher *fsnotify.Watcher
}

// watch adds folders, and reports whether any was not watched before: then
// changes before the call may have been missed.
func (n *notices) watch(folders ...string) (added bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, folder := range folders {
		if !slices.Contains(n.folders, folder) {
			n.folders = append(n.folders, folder)
		}
	}
	return n.sync()
}

// sync watches the folders that are not watched, such as one that replaced
// another. Those that are gone are dropped; who finds them again adds them.
func (n *notices) sync() (added bool) {
	if n.watcher == nil {
		return false
	}
	watched := n.watcher.WatchList()
	n.folders = slices.DeleteFunc(n.folders, func(folder string) bool {
		if slices.Contains(watched, folder) {
			return false
		}
		err := n.watcher.Add(folder)
		switch {
		case err == nil:
			delete(n.failed, folder)
			added = true
		case errors.Is(err, fs.ErrNotExist):
			return true
		case !n.failed[folder]:
			n.failed[folder] = true
			n.log.Warn("folder cannot be watched; its changes are noticed by polling",
				"path", folder, "every", pollInterval, "err", err)
		}
		return false
	})
	return added
}

// run calls changed after each burst of changes, and poll now and then, until
// ctx ends.
func (n *notices) run(ctx context.Context, changed, poll func()) error {
	events, failures, stop := n.start()
	defer stop()
	changed()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var burst time.Time // when the burst began that has not been told of
	still := time.NewTimer(0)
	if !still.Stop() {
		<-still.C
	}
	defer still.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-events:
			n.forget(event)
			if burst.IsZero() {
				burst = time.Now()
			}
			still.Reset(min(quiet, time.Until(burst.Add(impatience))))
		case err := <-failures:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				n.log.Warn("watching folders failed", "err", err)
			}
			changed() // something may have been missed
		case <-still.C:
			burst = time.Time{}
			changed()
		case <-ticker.C:
			poll()
		}
	}
}

// start opens the kernel's notices. Without them polling must do.
func (n *notices) start() (events chan fsnotify.Event, failures chan error, stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.deaf {
		return nil, nil, func() {}
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		n.log.Warn("files cannot be watched; changes are noticed by polling",
			"every", pollInterval, "err", fmt.Errorf("opening file notices: %w", err))
		return nil, nil, func() {}
	}
	n.watcher, n.failed = watcher, map[string]bool{}
	n.sync()
	return watcher.Events, watcher.Errors, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.watcher = nil
		if err := watcher.Close(); err != nil {
			n.log.Warn("watching folders failed", "err", fmt.Errorf("closing file notices: %w", err))
		}
	}
}

// forget lets go of a folder that was moved or removed, so that what takes its
// place is watched.
func (n *notices) forget(event fsnotify.Event) {
	if !event.Has(fsnotify.Remove) && !event.Has(fsnotify.Rename) {
		return
	}
	if slices.Contains(n.watcher.WatchList(), event.Name) {
		_ = n.watcher.Remove(event.Name) // already gone is as good
	}
}

package main

import (
	"context"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch"
	"golang.org/x/sync/errgroup"
)

// feed is where answers come from: sources and the watcher over them.
type feed struct {
	sources *sources
	watcher *watch.Watcher
	// stop ends Run. It is set when Run was started.
	stop context.CancelFunc
}

func (d *daemon) newFeed(c config.Config) (*feed, error) {
	s, err := newSources(c, d.getenv, d.log)
	if err != nil {
		return nil, err
	}
	return &feed{sources: s, watcher: s.newWatcher(c, d.log)}, nil
}

// start runs the feed in a group until stop is called or the group's context
// ends.
func (f *feed) start(ctx context.Context, group *errgroup.Group) {
	ctx, f.stop = context.WithCancel(ctx)
	group.Go(func() error { return f.sources.Run(ctx) })
	group.Go(func() error { return f.watcher.Run(ctx) })
}

package main

import (
	"context"
	"reflect"

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

func (d *daemon) newFeed(c Config) (*feed, error) {
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

// sameFeed reports whether two configurations ask the same sources in the same
// way.
func sameFeed(a, b Config) bool {
	return reflect.DeepEqual(a.Consul, b.Consul) && reflect.DeepEqual(a.Nomad, b.Nomad) &&
		reflect.DeepEqual(a.Vault, b.Vault) && a.Catalog == b.Catalog && a.Fabio.Registry == b.Fabio.Registry &&
		a.MaxStale == b.MaxStale && a.BlockQueryWait == b.BlockQueryWait
}

package file

import "github.com/sluiceproxy/sluice/watch"

// The watcher must not count requests to files against its connections.
var (
	_ watch.Multiplexer = (*Catalog)(nil)
	_ watch.Multiplexer = (*Contents)(nil)
)

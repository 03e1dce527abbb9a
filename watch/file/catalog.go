package file

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Options tune a Catalog. DefaultOptions gives the documented values.
type Options struct {
	// Node, Address and Datacenter describe the node all instances are on.
	// Instances without an address of their own are reached at Address.
	Node       string
	Address    string
	Datacenter string
	Logger     *slog.Logger
}

// DefaultOptions are the values used when the operator says nothing: a node
// with the name of the host, on loopback, in Consul's default datacenter.
func DefaultOptions() Options {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "local"
	}
	return Options{Node: host, Address: "127.0.0.1", Datacenter: "dc1", Logger: slog.Default()}
}

// Catalog is a [watch.Source] that answers from a folder of files as a Consul
// cluster would from its registrations. See the package's description for the
// folder's layout.
//
// Indexes count the changes of the folder, from 1. Each query has its own: a
// blocked request is not woken by what its answer does not depend on. There is
// no network, hence no round-trip time: near is ignored.
type Catalog struct {
	node    watch.NodeInfo
	log     *slog.Logger
	folder  folder
	notices notices
	state   atomic.Pointer[state]
}

var _ watch.Source = (*Catalog)(nil)

// NewCatalog reads the folder dir once. Only a folder that cannot be read is
// an error; what is wrong in it is in Faults.
func NewCatalog(dir string, o Options) (*Catalog, error) {
	dir = filepath.Clean(dir)
	if _, err := os.ReadDir(dir); err != nil {
		return nil, fmt.Errorf("reading catalog folder: %w", err)
	}
	c := &Catalog{
		node: watch.NodeInfo{
			Name:            o.Node,
			Address:         o.Address,
			Datacenter:      o.Datacenter,
			TaggedAddresses: nodeAddresses(o.Address),
			Meta:            map[string]string{},
		},
		log:     o.Logger,
		folder:  folder{dir: dir, files: map[string]*file{}},
		notices: notices{log: o.Logger},
	}
	c.state.Store(&state{superseded: make(chan struct{})})
	c.reload()
	return c, nil
}

// Run keeps the catalog up to date with its folder until ctx ends, and then
// returns nil. It must be called once at most; without it the catalog stays as
// it was read.
func (c *Catalog) Run(ctx context.Context) error {
	return c.notices.run(ctx, c.reload, func() {
		// A folder that was replaced needs a new watch even if its files look
		// the same.
		if c.notices.watch() || c.folder.changed() {
			c.reload()
		}
	})
}

// Faults are what is wrong with the files now, by path and line.
func (c *Catalog) Faults() []Fault { return slices.Clone(c.state.Load().faults) }

// reload reads the folder and puts the new state in the place of the old. A
// folder that was found on the way is read again, as its files may have come
// between looking and watching.
func (c *Catalog) reload() {
	for {
		said, faults := c.folder.read()
		old := c.state.Load()
		m := merge(c.node, said, faults)
		m.err = c.folder.last.err
		next := old.next(m)
		c.report(old.faults, next.faults)
		c.state.Store(next)
		close(old.superseded)
		if !c.notices.watch(c.folder.last.dirs...) {
			return
		}
	}
}

// report logs faults that came and went, each once.
func (c *Catalog) report(old, now []Fault) {
	has := func(faults []Fault, f Fault) bool {
		return slices.ContainsFunc(faults, func(g Fault) bool { return f.Error() == g.Error() })
	}
	for _, f := range now {
		if !has(old, f) {
			c.log.Error("fault in the catalog", "path", f.Path, "line", f.Line, "err", f.Err)
		}
	}
	for _, f := range old {
		if !has(now, f) {
			c.log.Info("fault in the catalog is gone", "path", f.Path, "line", f.Line, "was", f.Err)
		}
	}
}

// Answers implements [watch.Source].
func (c *Catalog) Answers(q watch.Query) bool {
	_, err := c.state.Load().ask(q)
	return !errors.Is(err, watch.ErrUnanswerable)
}

// Fetch implements [watch.Source]. A Wait of 0 is Consul's default of five
// minutes. While the folder cannot be read it is an error, so that what was
// read before is not taken for what is.
func (c *Catalog) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	timeout := time.NewTimer(hold(r.Wait))
	defer timeout.Stop()
	for expired := false; ; {
		if err := ctx.Err(); err != nil {
			return watch.Reply{}, err
		}
		s := c.state.Load()
		a, err := s.ask(r.Query)
		if err == nil {
			err = s.err
		}
		if err != nil {
			return watch.Reply{}, fmt.Errorf("asking catalog folder %s: %w", c.folder.dir, err)
		}
		if expired || r.Index == 0 || a.index > r.Index {
			return watch.Reply{Value: a.value(), Index: a.index}, nil
		}
		select {
		case <-ctx.Done():
		case <-timeout.C:
			expired = true
		case <-s.superseded:
		}
	}
}

// hold is how long a request may be held at most.
func hold(wait time.Duration) time.Duration {
	if wait == 0 {
		return 5 * time.Minute
	}
	return wait
}

// Streams is 0: a request takes no connection, so any number may wait at once.
func (c *Catalog) Streams() int { return 0 }

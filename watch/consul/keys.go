package consul

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// Keys reads and writes keys of Consul's KV store for people who edit them: it
// asks now, where a [Source] follows. It has connections of its own.
type Keys struct {
	locker *Locker // for its connections
}

// NewKeys returns Keys with the agent c describes. It opens no connection.
func NewKeys(c Config) (*Keys, error) {
	l, err := NewLocker(c)
	if err != nil {
		return nil, err
	}
	l.datacenter = c.Datacenter
	return &Keys{locker: l}, nil
}

// Close drops idle connections.
func (k *Keys) Close() { k.locker.Close() }

// Tree returns a key and all below it, by name. There may be none.
func (k *Keys) Tree(ctx context.Context, key string) (tree []watch.Pair, err error) {
	key = strings.Trim(key, "/")
	pairs, _, err := k.locker.below(ctx, key, 0)
	for _, p := range pairs {
		if p.Key == key || strings.HasPrefix(p.Key, key+"/") {
			tree = append(tree, p)
		}
	}
	return tree, err
}

// CompareAndSet writes a key if its ModifyIndex is still the given one, 0 for a
// key that is not there, and reports whether it was.
func (k *Keys) CompareAndSet(ctx context.Context, key, value string, index uint64) (ok bool, err error) {
	return k.locker.put(ctx, key, value, url.Values{"cas": {strconv.FormatUint(index, 10)}})
}

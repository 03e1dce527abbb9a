package consul

import (
	"context"
	"errors"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// datacenters are polled: Consul takes them from gossip, which has no index.
// They are sorted by name, because Consul's order is by round-trip time and
// changes without anything having changed.
func (s *Source) datacenters(ctx context.Context, q watch.Datacenters) (watch.Reply, error) {
	list := call{path: "/v1/catalog/datacenters"}
	got, err := s.client.get(ctx, list)
	if err != nil {
		return watch.Reply{}, err
	}
	names, err := decodeNames(got.body)
	if err != nil {
		return watch.Reply{}, s.broken(list, err)
	}
	slices.Sort(names)
	if q.Reachable {
		if names, err = s.reachable(ctx, names); err != nil {
			return watch.Reply{}, err
		}
	}
	return watch.Reply{Value: names, Poll: pollEvery}, nil
}

// reachable asks each datacenter one after the other, so that a fetch holds no
// more than one connection. A refusal is our token's fault, not theirs.
func (s *Source) reachable(ctx context.Context, names []string) ([]string, error) {
	answering := make([]string, 0, len(names))
	for _, dc := range names {
		_, err := s.client.get(ctx, call{
			path:   "/v1/catalog/services",
			params: s.params(watch.Scope{Datacenter: dc}, nil, Consistent),
			needs:  "service:read",
		})
		switch {
		case err == nil:
			answering = append(answering, dc)
		case ctx.Err() != nil || errors.Is(err, watch.ErrDenied):
			return nil, err
		}
	}
	return answering, nil
}

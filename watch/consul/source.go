package consul

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Source answers queries from one Consul agent. It implements [watch.Surveyor]
// and [watch.Renewer].
type Source struct {
	client    *client
	mode      Mode
	defaults  watch.Scope
	surveying surveyOptions
	log       *slog.Logger

	mu   sync.Mutex
	self string // the agent's node name, once it was asked for
}

var (
	_ watch.Surveyor = (*Source)(nil)
	_ watch.Renewer  = (*Source)(nil)
)

// pollEvery is how often an endpoint that cannot block is asked.
const pollEvery = 15 * time.Second

// New returns a Source for the agent c describes. It opens no connection; a
// token or certificate file that cannot be read is an error.
func New(c Config) (*Source, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c = c.withDefaults()
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	return &Source{
		client: client,
		mode:   c.Mode,
		defaults: watch.Scope{
			Datacenter: c.Datacenter,
			Namespace:  c.Namespace,
			Partition:  c.Partition,
		},
		surveying: defaultSurveyOptions(),
		log:       c.Logger,
	}, nil
}

// Run follows the token file until ctx ends, drops the idle connections and
// returns nil. Without it a new token is noticed at the next request.
func (s *Source) Run(ctx context.Context) error {
	s.client.tokens.follow(ctx)
	s.Close()
	return nil
}

// Renewed is closed when another token takes the place of the one in use; see
// [watch.Renewer].
func (s *Source) Renewed() <-chan struct{} { return s.client.tokens.changed() }

// Close drops idle connections. Requests in flight are their callers'.
func (s *Source) Close() { s.client.http.CloseIdleConnections() }

// Address is where the agent is, for people.
func (s *Source) Address() string { return s.client.address.shown }

// Streams is how many requests one connection may carry at a time now: 1, until
// an answer came over HTTP/2, which Consul offers on its HTTPS port.
func (s *Source) Streams() int { return max(1, int(s.client.streams.Load())) }

// Answers reports whether q is one of the kinds Consul knows.
func (s *Source) Answers(q watch.Query) bool {
	switch q.(type) {
	case watch.Datacenters, watch.Node:
		return true
	}
	_, ok := askFor(q)
	return ok
}

// Fetch asks once; see [watch.Source]. Answers that Consul cannot block on have
// index 0 and are to be polled.
func (s *Source) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	switch q := r.Query.(type) {
	case watch.Datacenters:
		return s.datacenters(ctx, q)
	case watch.Node:
		if q.Name == "" {
			name, err := s.ownNode(ctx, r.Index == 0)
			if err != nil {
				return watch.Reply{}, err
			}
			q.Name = name
			r.Query = q
		}
	}
	a, ok := askFor(r.Query)
	if !ok {
		return watch.Reply{}, watch.ErrUnanswerable
	}
	if a.err != nil {
		return watch.Reply{}, a.err
	}
	return s.ask(ctx, a, r)
}

func (s *Source) ask(ctx context.Context, a ask, r watch.Request) (watch.Reply, error) {
	q := call{
		path:   a.path,
		params: s.params(a.scope, a.params, s.modeFor(r.Consistent)),
		needs:  a.needs,
		absent: a.absent,
		named:  a.named,
	}
	if a.blocks {
		q.index, q.wait = r.Index, r.Wait
	}
	got, err := s.client.get(ctx, q)
	if err != nil {
		return watch.Reply{}, err
	}
	reply := watch.Reply{Index: got.index, LastContact: got.lastContact, Filtered: got.filtered, Needs: a.needs}
	if !a.blocks {
		reply.Index, reply.Poll = 0, pollEvery
	} else if got.index == 0 {
		return watch.Reply{}, s.broken(q, errors.New("the answer lacks X-Consul-Index, so it is not Consul's"))
	}
	body := got.body
	if got.status == http.StatusNotFound {
		body = nil
	}
	var size int
	if reply.Value, size, err = a.decode(body); err != nil {
		return watch.Reply{}, s.broken(q, err)
	}
	if got.unsure && size == 0 && len(a.rights) > 0 {
		reply.Filtered = !s.authorized(ctx, a)
	}
	return reply, nil
}

func (s *Source) broken(q call, err error) error {
	return fmt.Errorf("GET %s%s: %w", s.client.address.shown, q.path, err)
}

// modeFor is the configured mode, except that a stale read is not confirmed by
// the leader.
func (s *Source) modeFor(confirmed bool) Mode {
	if confirmed && s.mode == Stale {
		return Default
	}
	return s.mode
}

// params joins a query's own parameters with its scope and the mode.
func (s *Source) params(scope watch.Scope, own url.Values, mode Mode) url.Values {
	p := maps.Clone(own)
	if p == nil {
		p = url.Values{}
	}
	if mode != Default {
		p.Set(string(mode), "")
	}
	for name, values := range map[string][2]string{
		"dc":             {scope.Datacenter, s.defaults.Datacenter},
		"ns":             {scope.Namespace, s.defaults.Namespace},
		"partition":      {scope.Partition, s.defaults.Partition},
		"peer":           {scope.Peer},
		"sameness-group": {scope.SamenessGroup},
	} {
		for _, v := range values {
			if v != "" {
				p.Set(name, v)
				break
			}
		}
	}
	return p
}

// ownNode is the name of the agent's node. It is asked for again with every
// query that starts afresh, since another agent may have taken the address.
func (s *Source) ownNode(ctx context.Context, afresh bool) (string, error) {
	s.mu.Lock()
	name := s.self
	s.mu.Unlock()
	if name != "" && !afresh {
		return name, nil
	}
	q := call{path: "/v1/agent/self", needs: `agent:read on the agent's node`}
	got, err := s.client.get(ctx, q)
	if err != nil {
		return "", err
	}
	if name, err = decodeSelf(got.body); err != nil {
		return "", s.broken(q, err)
	}
	s.mu.Lock()
	s.self = name
	s.mu.Unlock()
	return name, nil
}

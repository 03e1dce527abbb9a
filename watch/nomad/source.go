package nomad

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/sluiceproxy/sluice/watch"
)

// Source answers queries from one Nomad agent.
type Source struct {
	api     *api.Client
	http    *http.Client
	address string
	secrets []string // what no error may show
	backoff watch.Backoff
}

var _ watch.Pauser = (*Source)(nil)

// pollEvery is how often an answer without an index is asked for again.
const pollEvery = 15 * time.Second

// New returns a Source for the agent c describes. It opens no connection; a
// certificate file that cannot be read is an error.
func New(c Config) (*Source, error) {
	c.Target.Address = cmp.Or(c.Target.Address, defaultAddress)
	client, base, err := c.Target.Client()
	if err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	options := &api.Config{
		Address:    base.String(),
		HttpClient: client,
		Region:     c.Region,
		Namespace:  c.Namespace,
		SecretID:   c.Token.Reveal(),
	}
	if c.Username != "" {
		options.HttpAuth = &api.HttpBasicAuth{Username: c.Username, Password: c.Password.Reveal()}
	}
	s := &Source{
		http:    client,
		address: base.Redacted(),
		secrets: []string{c.Token.Reveal(), c.Password.Reveal()},
		backoff: c.Backoff,
	}
	if s.api, err = api.NewClient(options); err != nil {
		return nil, fmt.Errorf("nomad: %w", err)
	}
	return s, nil
}

// Run drops the idle connections when ctx ends, and returns nil.
func (s *Source) Run(ctx context.Context) error {
	<-ctx.Done()
	s.http.CloseIdleConnections()
	return nil
}

// Address is where the agent is, for people.
func (s *Source) Address() string { return s.address }

// Backoff is as configured.
func (s *Source) Backoff() watch.Backoff { return s.backoff }

// Answers reports whether q is one of the kinds Nomad knows.
func (s *Source) Answers(q watch.Query) bool {
	switch q.(type) {
	case watch.NomadServices, watch.NomadService, watch.NomadVariables, watch.NomadVariable:
		return true
	}
	return false
}

// Fetch asks once; see [watch.Source].
func (s *Source) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	value, meta, err := s.ask(ctx, r)
	if err != nil {
		return watch.Reply{}, s.explain(r.Query, err)
	}
	reply := watch.Reply{Value: value, Index: meta.LastIndex, LastContact: meta.LastContact}
	if reply.Index == 0 { // something between us and Nomad has dropped its header
		reply.Poll = pollEvery
	}
	return reply, nil
}

func (s *Source) ask(ctx context.Context, r watch.Request) (value any, meta *api.QueryMeta, err error) {
	o := &api.QueryOptions{AllowStale: !r.Consistent}
	if r.Index > 0 {
		o.WaitIndex = r.Index
		o.WaitTime = max(r.Wait, time.Millisecond) // 0 is Nomad's own default of five minutes
	}
	o = o.WithContext(ctx)
	switch q := r.Query.(type) {
	case watch.NomadServices:
		o.Region = q.Region
		list, meta, err := s.api.Services().List(o)
		return services(list), meta, err
	case watch.NomadService:
		o.Region = q.Region
		if q.Key != "" {
			o.Params = map[string]string{"choose": strconv.Itoa(q.Count) + "|" + q.Key}
		}
		list, meta, err := s.api.Services().Get(q.Name, o)
		return instances(list), meta, err
	case watch.NomadVariables:
		o.Region, o.Namespace = q.Region, q.Namespace
		list, meta, err := s.api.Variables().PrefixList(q.Prefix, o)
		return variables(list), meta, err
	case watch.NomadVariable:
		o.Region, o.Namespace = q.Region, q.Namespace
		v, meta, err := s.api.Variables().Peek(strings.TrimLeft(q.Path, "/"), o)
		return variable(v), meta, err
	}
	return nil, nil, watch.ErrUnanswerable
}

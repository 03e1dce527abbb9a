package vault

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/sluiceproxy/sluice/watch"
)

// Source answers queries from one Vault. It implements [watch.Renewer].
type Source struct {
	config  Config
	api     *api.Client
	http    *http.Client
	address string
	session *session

	mu     sync.Mutex
	held   map[watch.Query]held // secrets that are not to be asked for before their time
	mounts map[string]mount     // of paths
}

var (
	_ watch.Renewer = (*Source)(nil)
	_ watch.Pauser  = (*Source)(nil)
)

// New returns a Source for the Vault c describes. It opens no connection; a
// certificate file that cannot be read is an error.
func New(c Config) (*Source, error) {
	client, base, err := c.Target.Client()
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	c.Target.Address = base.String()
	return newSource(c, client)
}

func newSource(c Config, client *http.Client) (*Source, error) {
	c = c.withDefaults()
	// Without a MaxRetries the library does not retry: that is the Watcher's.
	vault, err := api.NewClient(&api.Config{
		Address:          c.Target.Address,
		HttpClient:       client,
		Timeout:          time.Minute,
		DisableRedirects: true,
	})
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	// The library has taken these from the environment.
	vault.ClearToken()
	vault.ClearNamespace()
	vault.SetWrappingLookupFunc(func(string, string) string { return "" })
	if c.Namespace != "" {
		vault.SetNamespace(c.Namespace)
	}
	return &Source{
		config:  c,
		api:     vault,
		http:    client,
		address: c.Target.Address,
		session: newSession(c, vault),
		held:    make(map[watch.Query]held),
		mounts:  make(map[string]mount),
	}, nil
}

// Run keeps the token alive, once one is needed, until ctx ends. It returns nil.
func (s *Source) Run(ctx context.Context) error {
	s.session.run(ctx)
	s.http.CloseIdleConnections()
	return nil
}

// Renewed is closed when another token takes the place of the one in use.
func (s *Source) Renewed() <-chan struct{} { return s.session.changed() }

// Address is where Vault is, for people.
func (s *Source) Address() string { return s.address }

// Backoff is as configured.
func (s *Source) Backoff() watch.Backoff { return s.config.Backoff }

// Answers reports whether q is one of the kinds Vault knows.
func (s *Source) Answers(q watch.Query) bool {
	switch q.(type) {
	case watch.VaultSecret, watch.VaultList, watch.VaultCertificate:
		return true
	}
	return false
}

// Fetch asks once, or answers from memory; see [watch.Source]. Replies have no
// index.
func (s *Source) Fetch(ctx context.Context, r watch.Request) (watch.Reply, error) {
	h, ok := s.remembered(r.Query, time.Now())
	if ok && time.Now().Before(h.due) {
		return h.reply(time.Now()), nil
	}
	reply, err := s.fetch(ctx, r.Query, h)
	if err != nil {
		return watch.Reply{}, s.explain(r.Query, err)
	}
	return reply, nil
}

func (s *Source) fetch(ctx context.Context, q watch.Query, h held) (watch.Reply, error) {
	if err := s.session.open(ctx); err != nil {
		return watch.Reply{}, err
	}
	if h.renewable {
		renewed, err := s.renew(ctx, h)
		if err == nil {
			s.remember(q, renewed)
			return renewed.reply(time.Now()), nil
		}
		if !isRefusal(err) {
			return watch.Reply{}, err
		}
		s.config.Logger.Info("a lease of vault cannot be renewed, so the secret is asked for again", "query", q.String())
	}
	switch q := q.(type) {
	case watch.VaultSecret:
		return s.secret(ctx, q)
	case watch.VaultList:
		names, err := s.list(ctx, q.Path)
		return watch.Reply{Value: names, Poll: s.config.DefaultLease}, err
	case watch.VaultCertificate:
		return s.certificate(ctx, q)
	}
	return watch.Reply{}, watch.ErrUnanswerable
}

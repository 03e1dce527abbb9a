package dns01

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/challenge/dns01"
	"github.com/mholt/acmez/v3/acme"
)

// Locker has locks that one of all load balancers holds at a time.
type Locker interface {
	Lock(ctx context.Context, name string) error
	Unlock(ctx context.Context, name string) error
}

const (
	// cleanUpTimeout bounds the wait for a provider that has to remove a record, even
	// when the program ends.
	cleanUpTimeout = 30 * time.Second
	// How long it is tried to find a record, and how often, if a provider has no
	// opinion.
	defaultTimeout, defaultInterval = time.Minute, 2 * time.Second
)

// Solver answers challenges. Its methods may be called from any goroutine, and all
// of one challenge have to be called on the same Solver.
type Solver struct {
	options Options
	locker  Locker
	open    opened
	servers servers

	mu    sync.Mutex
	tasks map[string]*task // by token
}

// task is a challenge under way.
type task struct {
	provider  challenge.Provider
	lock      string
	presented bool
	name      string // of the record, in the end
}

// New returns a solver. That the provider's credentials are not there is told by
// Present: they may come.
func New(o Options, locker Locker, log *slog.Logger) (*Solver, error) {
	if err := errors.Join(o.Faults()...); err != nil {
		return nil, err
	}
	quieten(log)
	return &Solver{
		options: o, locker: locker, open: providerOf(o.Provider),
		servers: newServers(o.Resolvers), tasks: map[string]*task{},
	}, nil
}

// Present has the record written. The provider is opened each time, so that
// credentials in files may change.
func (s *Solver) Present(ctx context.Context, c acme.Challenge) error {
	t := &task{}
	var err error
	if t.provider, err = s.open(); err != nil {
		return fmt.Errorf("DNS provider %s is not set up: %w", s.options.Provider, scrubbed(err))
	}
	t.lock = s.lockFor(t.provider, c.Identifier.Value)
	if err := s.locker.Lock(ctx, t.lock); err != nil {
		return fmt.Errorf("waiting for other challenges by DNS: %w", err)
	}
	s.mu.Lock()
	s.tasks[c.Token] = t
	s.mu.Unlock()
	err = s.call(ctx, func() error {
		t.name = dns01.GetChallengeInfo(c.Identifier.Value, c.KeyAuthorization).EffectiveFQDN
		return t.provider.Present(c.Identifier.Value, c.Token, c.KeyAuthorization)
	})
	if err != nil {
		return fmt.Errorf("DNS provider %s: writing the TXT record of %s: %w", s.options.Provider, c.DNS01TXTRecordName(), err)
	}
	t.presented = true
	return nil
}

// lockFor names the lock for a challenge: two names may share a record, as those of
// example.com and *.example.com do, and some providers know one record at a time.
func (s *Solver) lockFor(provider challenge.Provider, domain string) string {
	if _, ok := provider.(interface{ Sequential() time.Duration }); ok {
		return "dns_" + s.options.Provider
	}
	return "dns_" + domain
}

// Wait waits until the record can be seen.
func (s *Solver) Wait(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	t := s.tasks[c.Token]
	s.mu.Unlock()
	if t == nil {
		return errors.New("the challenge was not presented")
	}
	timeout, interval := defaultTimeout, defaultInterval
	if p, ok := t.provider.(challenge.ProviderTimeout); ok {
		timeout, interval = p.Timeout()
	}
	if err := pause(ctx, s.options.Delay); err != nil || s.options.DisableChecks {
		return err
	}
	began := time.Now()
	for {
		if err := pause(ctx, interval); err != nil {
			return err
		}
		err := s.servers.check(ctx, &s.options, t.name, c.DNS01KeyAuthorization())
		if err == nil || ctx.Err() != nil {
			return err
		}
		if time.Since(began) > timeout {
			return fmt.Errorf("DNS provider %s: the TXT record of %s is not everywhere after %v: %w", s.options.Provider, c.DNS01TXTRecordName(), timeout, err)
		}
	}
}

// CleanUp has the record removed, even if ctx has ended.
func (s *Solver) CleanUp(ctx context.Context, c acme.Challenge) error {
	s.mu.Lock()
	t := s.tasks[c.Token]
	delete(s.tasks, c.Token)
	s.mu.Unlock()
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	var err error
	if t.presented {
		err = s.call(ctx, func() error { return t.provider.CleanUp(c.Identifier.Value, c.Token, c.KeyAuthorization) })
	}
	return errors.Join(err, s.locker.Unlock(ctx, t.lock))
}

// call lets a provider work. They know no contexts: one that does not come back is
// left behind, with whom it keeps waiting.
func (s *Solver) call(ctx context.Context, f func() error) error {
	if err := library.take(ctx, s.servers.resolvers); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		defer library.give()
		done <- f()
	}()
	select {
	case err := <-done:
		return scrubbed(err)
	case <-ctx.Done():
		return fmt.Errorf("it does not come to an end: %w", context.Cause(ctx))
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

package dns01

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/mholt/acmez/v3/acme"

	"github.com/sluiceproxy/sluice/internal/dnstest"
)

// fake writes down what it is asked for.
type fake struct {
	fail error
	hang chan struct{} // nil, or what is closed when it may go on

	mu    sync.Mutex
	calls []string
}

func (f *fake) Present(domain, token, _ string) error { return f.called("present", domain, token) }
func (f *fake) CleanUp(domain, token, _ string) error { return f.called("clean up", domain, token) }

func (f *fake) called(what, domain, token string) error {
	f.mu.Lock()
	f.calls = append(f.calls, what+" "+domain+" "+token)
	f.mu.Unlock()
	if f.hang != nil {
		<-f.hang
	}
	return f.fail
}

func (*fake) Timeout() (timeout, interval time.Duration) {
	return 50 * time.Millisecond, 10 * time.Millisecond
}

func (f *fake) is(calls ...string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Equal(f.calls, calls)
}

// one is a provider that can do one thing at a time.
type one struct{ *fake }

func (one) Sequential() time.Duration { return time.Second }

// locks refuses what is taken, so that tests need not wait.
type locks struct {
	mu    sync.Mutex
	taken []string
}

func (l *locks) Lock(_ context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.Contains(l.taken, name) {
		return errors.New(name + " is taken")
	}
	l.taken = append(l.taken, name)
	return nil
}

func (l *locks) Unlock(ctx context.Context, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = slices.DeleteFunc(l.taken, func(n string) bool { return n == name })
	return ctx.Err()
}

// solverWith has a DNS server that knows nothing but the zone example.test.
func solverWith(t *testing.T, o Options, p challenge.Provider, l Locker) *Solver {
	t.Helper()
	o.Provider, o.Resolvers = "exec", []string{dnstest.Start(t, "127.0.0.1", "example.test").Address}
	s, err := New(o, l, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.open = func() (challenge.Provider, error) { return p, nil }
	return s
}

func challengeFor(domain, token string) acme.Challenge {
	return acme.Challenge{Identifier: acme.Identifier{Type: "dns", Value: domain}, Token: token, KeyAuthorization: token + ".key"}
}

func TestSolver(t *testing.T) {
	p, l := &fake{}, &locks{}
	s := solverWith(t, Options{RequireResolvers: true, DisableServers: true}, p, l)
	c := challengeFor("example.test", "1")
	if err := s.Present(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	// That of *.example.test has the same record.
	if err := s.Present(t.Context(), challengeFor("example.test", "2")); err == nil || !strings.Contains(err.Error(), "dns_example.test is taken") {
		t.Errorf("two at a time: %v", err)
	}
	if err := s.Present(t.Context(), challengeFor("other.test", "3")); err != nil {
		t.Errorf("another record: %v", err)
	}
	err := s.Wait(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "DNS provider exec: the TXT record of _acme-challenge.example.test is not everywhere after 50ms: ") {
		t.Errorf("a record that nobody sees: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.CleanUp(ended, c); err != nil {
		t.Errorf("cleaning up after the end: %v", err)
	}
	if err := s.CleanUp(t.Context(), c); err != nil {
		t.Errorf("twice: %v", err)
	}
	if !p.is("present example.test 1", "present other.test 3", "clean up example.test 1") {
		t.Errorf("calls: %q", p.calls)
	}
	if !slices.Equal(l.taken, []string{"dns_other.test"}) {
		t.Errorf("locks %q", l.taken)
	}
}

func TestSolverSeesTheRecord(t *testing.T) {
	dns := dnstest.Start(t, "127.0.0.1", "example.test")
	s := solverWith(t, Options{RequireResolvers: true, DisableServers: true}, &fake{}, &locks{})
	s.servers = newServers([]string{dns.Address})
	c := challengeFor("a.example.test", "1")
	// The record may be in another zone, which is where it is looked for.
	dns.Add(t, "_acme-challenge.a.example.test. 1 IN CNAME a.delegated.test.", fmt.Sprintf("a.delegated.test. 1 IN TXT %q", c.DNS01KeyAuthorization()))
	if err := s.Present(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func TestSolverFails(t *testing.T) {
	p, l := &fake{fail: errors.New("no such zone")}, &locks{}
	s := solverWith(t, Options{}, one{p}, l)
	c := challengeFor("example.test", "1")
	err := s.Present(t.Context(), c)
	if want := "DNS provider exec: writing the TXT record of _acme-challenge.example.test: no such zone"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !slices.Equal(l.taken, []string{"dns_exec"}) {
		t.Errorf("locks %q", l.taken)
	}
	if err := s.CleanUp(t.Context(), c); err != nil || len(l.taken) > 0 {
		t.Errorf("cleaning up what was not written: %v, locks %q", err, l.taken)
	}
	if !p.is("present example.test 1") {
		t.Errorf("calls: %q", p.calls)
	}
	s.open = providers["httpreq"]
	t.Setenv("HTTPREQ_ENDPOINT", "")
	if err := s.Present(t.Context(), c); err == nil || err.Error() != "DNS provider exec is not set up: httpreq: some credentials information are missing: HTTPREQ_ENDPOINT" {
		t.Errorf("without credentials: %v", err)
	}
}

// A provider that does not come back keeps nobody waiting.
func TestProviderHangs(t *testing.T) {
	p := &fake{hang: make(chan struct{})}
	s := solverWith(t, Options{}, p, &locks{})
	ctx, cancel := context.WithCancel(t.Context())
	var presenting sync.WaitGroup
	presenting.Go(func() {
		if err := s.Present(ctx, challengeFor("example.test", "1")); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	for !p.is("present example.test 1") {
		time.Sleep(time.Millisecond)
	}
	cancel()
	presenting.Wait()
	close(p.hang)
}

package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// site is where an authority looks for names: whoever is in charge answers.
type site struct {
	ip       string
	inCharge atomic.Pointer[Client]
}

func startSite(t *testing.T) *site {
	t.Helper()
	return startSiteAt(t, parts.Loopback(t))
}

func startSiteAt(t *testing.T, ip string) *site {
	t.Helper()
	s := &site{ip: ip}
	pages := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if text, ok := s.inCharge.Load().HTTPChallenge(r.Context(), r.Host, r.URL.Path); ok {
			fmt.Fprint(w, text)
			return
		}
		http.NotFound(w, r)
	})}
	handshakes := &http.Server{TLSConfig: &tls.Config{
		NextProtos: []string{tlsconf.ChallengeProtocol},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return s.inCharge.Load().TLSChallenge(hello), nil
		},
	}, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	var serving sync.WaitGroup
	listen := func(port string, serve func(net.Listener) error) {
		l, err := net.Listen("tcp", net.JoinHostPort(s.ip, port))
		if err != nil {
			t.Fatal(err)
		}
		serving.Go(func() { _ = serve(l) })
	}
	listen("5002", pages.Serve)
	listen("5001", func(l net.Listener) error { return handshakes.ServeTLS(l, "", "") })
	t.Cleanup(func() {
		pages.Close()
		handshakes.Close()
		serving.Wait()
	})
	return s
}

// port is where a challenge is looked for.
func (s *site) port(challenge string) netip.AddrPort {
	if challenge == ChallengeHTTP {
		return netip.MustParseAddrPort(s.ip + ":5002")
	}
	return netip.MustParseAddrPort(s.ip + ":5001")
}

func options(t *testing.T, p *parts.Pebble, challenge string, storage Storage) Options {
	t.Helper()
	roots := x509.NewCertPool()
	root, err := os.ReadFile(p.RootFile)
	if err != nil || !roots.AppendCertsFromPEM(root) {
		t.Fatal(err)
	}
	return Options{
		Directory: p.Directory, Roots: roots, Email: "operator@example.test", KeyType: DefaultKeyType,
		Challenge: challenge, Storage: storage, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		unreached: 100 * time.Millisecond,
	}
}

// start runs a client; stop ends it and waits for it.
func (s *site) start(t *testing.T, o Options) (c *Client, stop func()) {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	s.inCharge.CompareAndSwap(nil, c)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx, s.port(o.Challenge)) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return c, stop
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// serial is that of the certificate for a name, once there is one.
func serial(t *testing.T, c *Client, name string) string {
	t.Helper()
	var certificate *tls.Certificate
	eventually(t, "a certificate for "+name, func() bool {
		certificate = c.certificate(t.Context(), name)
		return certificate != nil
	})
	if err := certificate.Leaf.VerifyHostname(name); err != nil {
		t.Error(err)
	}
	return certificate.Leaf.SerialNumber.String()
}

// settled waits until all was done for a name that could be done now.
func settled(t *testing.T, c *Client, text string) {
	t.Helper()
	eventually(t, text+" is settled", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		n := c.names[text]
		return n != nil && !n.queued && time.Now().Before(n.due)
	})
}

// One of two orders the certificate, and both have it; so has who comes later.
// The authority reaches one that may know nothing of it.
func TestSharedByAll(t *testing.T) {
	for _, challenge := range []string{ChallengeTLS, ChallengeHTTP} {
		t.Run(challenge, func(t *testing.T) {
			s, storage := startSite(t), newMemory()
			pebble := parts.StartPebble(t, s.ip, 0)
			bystander, _ := s.start(t, options(t, pebble, challenge, storage)) // is in charge
			bystander.Want(nil)
			first, _ := s.start(t, options(t, pebble, challenge, storage))
			second, stop := s.start(t, options(t, pebble, challenge, storage))
			first.Want([]string{"a.test"})
			second.Want([]string{"a.test", "b.test"})
			one, two := serial(t, first, "a.test"), serial(t, second, "a.test")
			serial(t, second, "b.test")
			if one != two || pebble.Orders() != 2 {
				t.Errorf("serials %s and %s of %d orders for two names", one, two, pebble.Orders())
			}
			if bystander.certificate(t.Context(), "a.test") != nil || first.certificate(t.Context(), "b.test") != nil {
				t.Error("there are certificates nobody wanted")
			}
			stop()
			third, _ := s.start(t, options(t, pebble, challenge, storage))
			third.Want([]string{"a.test"})
			settled(t, third, "a.test")
			if got := serial(t, third, "a.test"); got != one || pebble.Orders() != 2 {
				t.Errorf("after a restart the serial is %s, not %s, of %d orders", got, one, pebble.Orders())
			}
			if strings.Contains(storage.keys(), "challenge_tokens/") {
				t.Errorf("challenges are left behind:\n%s", storage.keys())
			}
		})
	}
}

// An authority that is not there is asked again, and all that is there stays.
func TestAuthorityAway(t *testing.T) {
	s := startSite(t)
	pebble := parts.StartPebble(t, s.ip, 0)
	c, _ := s.start(t, options(t, pebble, ChallengeTLS, newMemory()))
	c.Want([]string{"a.test"})
	was := serial(t, c, "a.test")
	pebble.Kill()
	c.Want([]string{"a.test", "new.test"})
	eventually(t, "the failure is told", func() bool {
		err := c.Failures()["new.test"]
		return err != nil && strings.Contains(err.Error(), "connection refused")
	})
	if got := c.certificate(t.Context(), "new.test"); got != nil {
		t.Error("there is a certificate from nowhere")
	}
	if got := serial(t, c, "a.test"); got != was || c.Failures()["a.test"] != nil {
		t.Errorf("the certificate there was is now %s, %v", got, c.Failures()["a.test"])
	}
	pebble.Start()
	serial(t, c, "new.test")
	eventually(t, "the failure is over", func() bool { return len(c.Failures()) == 0 })
}

// After a refusal, all leave the authority alone for a while: those that waited for
// their turn, and those that come later.
func TestRefusalIsShared(t *testing.T) {
	s, storage := startSite(t), newMemory()
	pebble := parts.StartPebble(t, s.ip, 0)
	const name = "unreachable.test"
	s.inCharge.Store(&Client{}) // answers no challenge
	var clients []*Client
	start := func() {
		c, _ := s.start(t, options(t, pebble, ChallengeHTTP, storage))
		c.Want([]string{name})
		clients = append(clients, c)
	}
	start()
	start()
	eventually(t, "the refusal is told", func() bool { return clients[0].Failures()[name] != nil && clients[1].Failures()[name] != nil })
	start()
	eventually(t, "the third knows of it", func() bool { return clients[2].Failures()[name] != nil })
	if _, ok := errors.AsType[*refusal](clients[2].Failures()[name]); !ok || pebble.Orders() != 1 {
		t.Errorf("%d orders: %v", pebble.Orders(), clients[2].Failures()[name])
	}
	for i, c := range clients {
		c.mu.Lock()
		if again := time.Until(c.names[name].due); again < minRefused/2 {
			t.Errorf("client %d tries again in %v", i, again)
		}
		c.mu.Unlock()
	}
}

// Before a certificate ends there is another one, for all, and the one before serves
// till then.
func TestRenewal(t *testing.T) {
	s, storage := startSite(t), newMemory()
	pebble := parts.StartPebble(t, s.ip, 15*time.Second)
	first, _ := s.start(t, options(t, pebble, ChallengeTLS, storage))
	second, _ := s.start(t, options(t, pebble, ChallengeTLS, storage))
	first.Want([]string{"a.test"})
	second.Want([]string{"a.test"})
	was := serial(t, first, "a.test")
	serial(t, second, "a.test")
	for _, c := range []*Client{first, second} {
		eventually(t, "another certificate", func() bool {
			certificate := c.certificate(t.Context(), "a.test")
			if certificate == nil || time.Now().After(certificate.Leaf.NotAfter) {
				t.Fatal("there is no certificate that is good")
			}
			return certificate.Leaf.SerialNumber.String() != was
		})
	}
}

// Who cannot reach the storage orders nothing, for it could not keep it.
func TestStorageAway(t *testing.T) {
	s, storage := startSite(t), newMemory()
	pebble := parts.StartPebble(t, s.ip, 0)
	storage.setDown(errors.New("it is closed"))
	c, _ := s.start(t, options(t, pebble, ChallengeTLS, storage))
	c.Want([]string{"a.test"})
	eventually(t, "the failure is told", func() bool {
		return c.Failures()["a.test"] != nil && strings.Contains(c.Failures()["a.test"].Error(), "it is closed")
	})
	if pebble.Orders() != 0 {
		t.Errorf("%d orders", pebble.Orders())
	}
	storage.setDown(nil)
	serial(t, c, "a.test")
}

func TestFolder(t *testing.T) {
	s := startSite(t)
	pebble := parts.StartPebble(t, s.ip, 0)
	o := options(t, pebble, ChallengeHTTP, nil)
	o.Folder = filepath.Join(t.TempDir(), "acme")
	c, stop := s.start(t, o)
	c.Want([]string{"a.test"})
	was := serial(t, c, "a.test")
	stop()
	keys := 0
	err := filepath.WalkDir(o.Folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil && strings.HasSuffix(path, ".key") {
			keys++
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
		}
		return err
	})
	if err != nil || keys != 2 {
		t.Errorf("%d keys, of the account and the certificate, %v", keys, err)
	}
	again, _ := s.start(t, o)
	again.Want([]string{"a.test"})
	if got := serial(t, again, "a.test"); got != was || pebble.Orders() != 1 {
		t.Errorf("after a restart the serial is %s, not %s; %d orders", got, was, pebble.Orders())
	}
}

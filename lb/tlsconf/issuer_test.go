package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

// role issues certificates that are good for life.
type role struct {
	*certtest.Pair
	life time.Duration

	mu     sync.Mutex
	issued []string
	fail   error
	block  chan struct{} // if not nil, nothing is issued before it is closed
}

func (r *role) issue(ctx context.Context, name string) (Pair, error) {
	r.mu.Lock()
	r.issued = append(r.issued, name)
	fail, block, life := r.fail, r.block, r.life
	r.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return Pair{}, ctx.Err()
		}
	}
	if fail != nil {
		return Pair{}, fail
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now(), NotAfter: time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(nil, template, r.Certificate, &r.Key.PublicKey, r.Key)
	if err != nil {
		return Pair{}, err
	}
	return Pair{Name: name, Cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), Key: r.KeyPEM()}, nil
}

func (r *role) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// count is how often a name was asked for, of the role.
func (r *role) count(name string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.issued {
		if other == name {
			n++
		}
	}
	return n
}

// startIssuer runs one in a bubble of synthetic time until the test ends.
func startIssuer(t *testing.T, life time.Duration) (*Issuer, *role, *strings.Builder) {
	r, log := &role{Pair: newAuthority(t), life: life}, &strings.Builder{}
	i := NewIssuer(r.issue, time.Hour, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return i, r, log
}

// ask is a handshake's question; it returns when the certificate ends.
func ask(i *Issuer, name string) (until time.Time, err error) {
	c, err := i.certificateFor(context.Background(), name)
	if c == nil {
		return time.Time{}, err
	}
	if c.Leaf.DNSNames[0] != strings.ToLower(strings.TrimSuffix(name, ".")) {
		return time.Time{}, fmt.Errorf("the certificate is for %v", c.Leaf.DNSNames)
	}
	return c.Leaf.NotAfter, nil
}

func TestIssuer_OnceForAllHandshakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, _ := startIssuer(t, 24*time.Hour)
		r.set(func() { r.block = make(chan struct{}) })
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				if _, err := ask(i, []string{"shop.test", "SHOP.test."}[n%2]); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		close(r.block)
		wg.Wait()
		if _, err := ask(i, "shop.test"); err != nil || r.count("shop.test") != 1 {
			t.Errorf("issued %q, error %v", r.issued, err)
		}
		if all := i.Certificates(); len(all) != 1 || all[0].Name != "shop.test" || !slices.Equal(all[0].Hosts, []string{"shop.test"}) {
			t.Errorf("certificates %+v", all)
		}
	})
}

func TestIssuer_ReplacesBeforeTheEnd(t *testing.T) {
	for _, test := range []struct{ life, due time.Duration }{
		{24 * time.Hour, 23 * time.Hour},
		{time.Hour, 30 * time.Minute}, // else it would be issued by each handshake
	} {
		synctest.Test(t, func(t *testing.T) {
			i, r, _ := startIssuer(t, test.life)
			first, err := ask(i, "shop.test")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(test.due - time.Minute)
			if until, _ := ask(i, "shop.test"); until != first || r.count("shop.test") != 1 {
				t.Errorf("life %v: issued %d times before it was due", test.life, r.count("shop.test"))
			}
			time.Sleep(time.Minute)
			// The one there is serves, while the other one is on its way.
			r.set(func() { r.block = make(chan struct{}) })
			if until, err := ask(i, "shop.test"); until != first || err != nil {
				t.Errorf("life %v: got one until %v, error %v", test.life, until, err)
			}
			close(r.block)
			synctest.Wait()
			if until, err := ask(i, "shop.test"); !until.After(first) || err != nil || r.count("shop.test") != 2 {
				t.Errorf("life %v: got one until %v after %d, error %v", test.life, until, r.count("shop.test"), err)
			}
		})
	}
}

// A certificate that ends while nothing can be issued serves to its end, and no
// longer.
func TestIssuer_Outage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, log := startIssuer(t, 24*time.Hour)
		first, err := ask(i, "shop.test")
		if err != nil {
			t.Fatal(err)
		}
		r.set(func() { r.fail = errors.New("down") })
		time.Sleep(23*time.Hour + time.Minute)
		for range 10 {
			if until, err := ask(i, "shop.test"); until != first || err != nil {
				t.Errorf("got one until %v, error %v", until, err)
			}
			synctest.Wait()
		}
		if n := r.count("shop.test"); n != 2 {
			t.Errorf("asked %d times, want a pause after a failure", n)
		}
		time.Sleep(time.Hour)
		if _, err := ask(i, "shop.test"); err == nil || !strings.Contains(err.Error(), "down") {
			t.Errorf("an expired one: %v", err)
		}
		if n := strings.Count(log.String(), "no certificate was issued"); n != 1 || len(i.Certificates()) != 0 {
			t.Errorf("the log tells %d times:\n%s", n, log)
		}
		r.set(func() { r.fail = nil })
		time.Sleep(issueAgain)
		if _, err := ask(i, "shop.test"); err != nil {
			t.Error(err)
		}
	})
}

func TestIssuer_RemembersAFailureForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, _ := startIssuer(t, 24*time.Hour)
		r.set(func() { r.fail = errors.New("not allowed") })
		for range 10 {
			if _, err := ask(i, "evil.test"); err == nil || !strings.Contains(err.Error(), "not allowed") {
				t.Errorf("error %v", err)
			}
		}
		if n := r.count("evil.test"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		time.Sleep(issueAgain)
		ask(i, "evil.test")
		if n := r.count("evil.test"); n != 2 {
			t.Errorf("asked %d times after a while", n)
		}
	})
}

// Who issues slowly keeps nobody waiting whose certificate is there, and the
// others not for ever.
func TestIssuer_Slow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, _ := startIssuer(t, 24*time.Hour)
		if _, err := ask(i, "there.test"); err != nil {
			t.Fatal(err)
		}
		r.set(func() { r.block = make(chan struct{}) })
		began := time.Now()
		var wg sync.WaitGroup
		for n := range 3 * issuing {
			wg.Go(func() {
				if _, err := ask(i, fmt.Sprintf("new%d.test", n)); err == nil {
					t.Error("a certificate came from nowhere")
				}
				if waited := time.Since(began); waited != issueTimeout {
					t.Errorf("waited %v", waited)
				}
			})
		}
		synctest.Wait()
		if _, err := ask(i, "there.test"); err != nil || time.Since(began) != 0 {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		wg.Wait()
	})
}

// A handshake that has ended waits no longer, and neither does one when nothing
// is issued any more.
func TestIssuer_WaitsForNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, _ := startIssuer(t, 24*time.Hour)
		r.set(func() { r.block = make(chan struct{}) })
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := i.certificateFor(ctx, "shop.test"); err == nil || time.Since(began) != time.Second {
			t.Errorf("error %v after %v", err, time.Since(began))
		}
	})
	i := NewIssuer(nil, time.Hour, slog.Default())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	i.Run(ctx)
	if _, err := ask(i, "shop.test"); !errors.Is(err, errNotIssued) {
		t.Errorf("when it has ended: %v", err)
	}
}

func TestIssuer_IsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i, r, _ := startIssuer(t, 10000*time.Hour)
		refused := 0
		for n := range newNamesAtOnce + 10 {
			if _, err := ask(i, fmt.Sprintf("n%d.test", n)); err != nil {
				refused++
			}
		}
		if refused != 10 || len(r.issued) != newNamesAtOnce {
			t.Errorf("%d were refused and %d issued at once", refused, len(r.issued))
		}
		for n := range maxIssued {
			time.Sleep(time.Second / newNamesPerSecond)
			if _, err := ask(i, fmt.Sprintf("m%d.test", n)); err != nil {
				t.Fatal(err)
			}
			ask(i, "n0.test") // which is in use
		}
		if len(i.names) != maxIssued || r.count("n0.test") != 1 {
			t.Errorf("%d names are kept, and the one in use was issued %d times", len(i.names), r.count("n0.test"))
		}
		if ask(i, "m5.test"); r.count("m5.test") != 1 {
			t.Error("a name that was asked for lately is forgotten")
		}
		time.Sleep(time.Second)
		if ask(i, "n1.test"); r.count("n1.test") != 2 {
			t.Error("the name that was asked for the longest time ago is kept")
		}
	})
}

// Only a host's name gets as far as a request.
func TestNameToIssue(t *testing.T) {
	for given, want := range map[string]string{
		"shop.test": "shop.test", "Shop.TEST.": "shop.test", "localhost": "localhost", "a-b.xn--bcher-kva.test": "a-b.xn--bcher-kva.test",
		"": "", ".": "", "a..b": "", "*.test": "", "a_b.test": "", "-a.test": "", "a-.test": "", "bücher.test": "", "a b.test": "",
		"10.0.0.1": "", "::1": "", `a","ttl":"9999h`: "", "a.test/../../sys": "", "a.test,b.test": "", "a\x00.test": "",
		strings.Repeat("a", 64) + ".test": "", strings.Repeat("a.", 127) + "a": "", strings.Repeat("a.", 126) + "a": strings.Repeat("a.", 126) + "a",
	} {
		if got, ok := NameToIssue(given); got != want || ok != (want != "") {
			t.Errorf("%q is %q, %v; want %q", given, got, ok, want)
		}
	}
	i := NewIssuer(func(context.Context, string) (Pair, error) { panic("asked") }, 0, slog.Default())
	if _, _, err := shake(t, &tls.Config{GetCertificate: i.certificate}, &tls.Config{}); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("without a name: %v", err)
	}
}

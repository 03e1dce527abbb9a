package acme

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mholt/acmez/v3/acme"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/acme/acmejson"
)

// traefiks writes an acme.json of Traefik, with a resolver le.
func traefiks(t *testing.T, accountURL string, account *rsa.PrivateKey, pairs ...*certtest.Pair) (path string) {
	t.Helper()
	type object = map[string]any
	var certificates []object
	for _, p := range pairs {
		certificates = append(certificates, object{"domain": object{"main": p.Certificate.DNSNames[0]}, "certificate": p.CertPEM(), "key": p.KeyPEM(), "Store": "default"})
	}
	resolver := object{"Certificates": certificates}
	if account != nil {
		resolver["Account"] = object{"Email": "operator@example.test", "Registration": object{"uri": accountURL}, "PrivateKey": x509.MarshalPKCS1PrivateKey(account)}
	}
	text, err := json.Marshal(object{"le": resolver})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "acme.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// until makes a certificate that ends so long from now.
func until(t *testing.T, life time.Duration, names ...string) *certtest.Pair {
	t.Helper()
	return certtest.Issue(t, x509.Certificate{DNSNames: names, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: time.Now().Add(life)}, nil)
}

// On moving day nothing is ordered that Traefik had, and what is ordered is by
// Traefik's account.
func TestTakeOver(t *testing.T) {
	s, storage := startSite(t), newMemory()
	pebble := parts.StartPebble(t, s.ip, 0)
	o := options(t, pebble, ChallengeTLS, storage)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	authority := acme.Client{Directory: pebble.Directory, HTTPClient: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: o.Roots}},
	}}
	account, err := authority.NewAccount(t.Context(), acme.Account{TermsOfServiceAgreed: true, PrivateKey: key})
	if err != nil {
		t.Fatal(err)
	}
	had := until(t, 60*24*time.Hour, "a.test", "*.wild.test")
	o.Name, o.Import = "le", traefiks(t, account.Location, key, had, until(t, -time.Hour, "old.test"))

	c, stop := s.start(t, o)
	c.Want([]string{"a.test", "*.wild.test"})
	for _, name := range []string{"a.test", "b.wild.test"} {
		if got, want := serial(t, c, name), had.Certificate.SerialNumber.String(); got != want {
			t.Errorf("%s: serial %s, not Traefik's %s", name, got, want)
		}
	}
	settled(t, c, "a.test")
	settled(t, c, "*.wild.test")
	if n := pebble.Orders(); n != 0 {
		t.Errorf("%d orders of what there was", n)
	}
	c.Want([]string{"a.test", "*.wild.test", "new.test"})
	serial(t, c, "new.test")
	if keys := storage.keys(); strings.Count(keys, "/users/") != 2 || strings.Contains(keys, "old.test") {
		t.Errorf("keys:\n%s", keys)
	}
	for name, value := range storage.all() {
		if strings.HasSuffix(name, "/operator.json") && !bytes.Contains(value, []byte(account.Location)) {
			t.Errorf("the account is %s", value)
		}
	}
	stop()

	// What is removed stays so.
	for name := range storage.all() {
		if strings.Contains(name, "/a.test/") {
			if err := storage.Delete(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	again, _ := s.start(t, o)
	again.Want([]string{"a.test"})
	if serial(t, again, "a.test") == had.Certificate.SerialNumber.String() {
		t.Error("it is taken over twice")
	}
}

// What is newer stays; the same is left alone.
func TestTakeOverKeepsWhatIsNewer(t *testing.T) {
	storage := newMemory()
	o := Options{Directory: LetsEncrypt, Email: "operator@example.test", KeyType: DefaultKeyType, Storage: storage, Logger: slog.New(slog.DiscardHandler)}
	e := newEngine(&o, newStorage(&o), nil, netip.AddrPort{}, func(string) {})
	t.Cleanup(e.cache.Stop)
	take := func(p *certtest.Pair) bool {
		stored, err := e.takeCertificate(t.Context(), "a.test", acmejson.Certificate{Chain: p.CertPEM(), Key: p.KeyPEM(), Leaf: p.Certificate})
		if err != nil {
			t.Fatal(err)
		}
		return stored
	}
	older, newer := until(t, time.Hour, "a.test"), until(t, 2*time.Hour, "a.test")
	if !take(older) || take(older) || !take(newer) || take(older) {
		t.Error("the newest one does not count")
	}
	if c, err := e.load(t.Context(), "a.test"); err != nil || !c.Leaf.Equal(newer.Certificate) {
		t.Errorf("got %v, %v", c, err)
	}
	down := errors.New("it is closed")
	storage.setDown(down)
	if _, err := e.takeIn(t.Context(), "digest", &acmejson.Resolver{}); !errors.Is(err, down) {
		t.Errorf("without storage: %v", err)
	}
}

// A file that is no good is told of, and no more.
func TestTakeOverFails(t *testing.T) {
	s := startSite(t)
	pebble := parts.StartPebble(t, s.ip, 0)
	broken := filepath.Join(t.TempDir(), "acme.json")
	if err := os.WriteFile(broken, []byte("{\n\"le\""), 0o600); err != nil {
		t.Fatal(err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := traefiks(t, "https://other.example.test/acct/1", key, until(t, time.Hour, "a.test"))
	for path, want := range map[string]string{
		broken:                             "line 2: it is no JSON",
		elsewhere:                          "its account is at https://other.example.test/acct/1, and ca is " + pebble.Directory,
		filepath.Join(t.TempDir(), "none"): "",
	} {
		o := options(t, pebble, ChallengeTLS, newMemory())
		o.Name, o.Import = "le", path
		c, stop := s.start(t, o)
		s.inCharge.Store(c)
		c.Want([]string{"a.test"})
		serial(t, c, "a.test")
		if err := c.ImportFailure(); (want != "") != (err != nil) || want != "" && !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
		stop()
	}
}

// Nothing is ordered before what Traefik had is in the storage.
func TestTakeOverWaitsForTheStorage(t *testing.T) {
	s, storage := startSite(t), newMemory()
	pebble := parts.StartPebble(t, s.ip, 0)
	o := options(t, pebble, ChallengeTLS, storage)
	had := until(t, 60*24*time.Hour, "a.test")
	o.Name, o.Import = "le", traefiks(t, "", nil, had)
	storage.setDown(errors.New("it is closed"))
	c, _ := s.start(t, o)
	c.Want([]string{"a.test"})
	eventually(t, "it is told", func() bool {
		return c.ImportFailure() != nil && strings.Contains(c.ImportFailure().Error(), "is not taken over yet: it is closed")
	})
	storage.setDown(nil)
	if serial(t, c, "a.test") != had.Certificate.SerialNumber.String() || pebble.Orders() != 0 || c.ImportFailure() != nil {
		t.Errorf("%d orders, %v", pebble.Orders(), c.ImportFailure())
	}
}

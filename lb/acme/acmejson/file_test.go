package acmejson

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// parts of a file that are good.
type goods struct{ chain, key, other, account string }

func newGoods(t testing.TB) goods {
	t.Helper()
	pair, err := tlsconf.SelfSigned("a.test")
	if err != nil {
		t.Fatal(err)
	}
	other, err := tlsconf.SelfSigned("b.test")
	if err != nil {
		t.Fatal(err)
	}
	account, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.StdEncoding.EncodeToString
	return goods{encode(pair.Cert), encode(pair.Key), encode(other.Key), encode(x509.MarshalPKCS1PrivateKey(account))}
}

const accountURL = "https://ca.test/acct/1"

// of2 is a file of Traefik 2 and 3, with a resolver of each kind.
func (g goods) of2() string {
	return fmt.Sprintf(`{
  "le": {
    "Account": {"Email": "ops@example.test", "Registration": {"body": {"status": "valid"}, "uri": %q}, "PrivateKey": %q, "KeyType": "4096"},
    "Certificates": [
      {"domain": {"main": "a.test", "sans": ["b.test"]}, "certificate": %q, "key": %q, "Store": "default"},
      {"domain": {"main": "mixed.test"}, "certificate": %[3]q, "key": %[5]q, "Store": "default"},
      {"domain": {"main": "empty.test"}, "certificate": "", "key": "", "Store": "default"},
      null
    ]
  },
  "new": {"Account": null, "Certificates": null}
}`, accountURL, g.account, g.chain, g.key, g.other)
}

// of1 is one of Traefik 1.7.
func (g goods) of1() string {
	return fmt.Sprintf(`{
  "Account": {"Email": "ops@example.test", "Registration": {"body": {"status": "valid"}, "uri": %q}, "PrivateKey": %q, "KeyType": "4096"},
  "Certificates": [{"Domain": {"Main": "a.test", "SANs": null}, "Certificate": %q, "Key": %q}],
  "HTTPChallenges": {}, "TLSChallenges": {}
}`, accountURL, g.account, g.chain, g.key)
}

func TestRead(t *testing.T) {
	g := newGoods(t)
	path := filepath.Join(t.TempDir(), "acme.json")
	for name, text := range map[string]string{"le": g.of2(), "": g.of1()} {
		if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
			t.Fatal(err)
		}
		f, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		r, err := f.Resolver("LE") // whose only one has no name, or is called so
		if err != nil || f.Mode != 0o640 || len(f.Digest) != 64 {
			t.Errorf("%q: mode %v, digest %s, %v", name, f.Mode, f.Digest, err)
		}
		if a := r.Account; a == nil || a.Email != "ops@example.test" || a.URL != accountURL || a.Key.N.BitLen() != 2048 {
			t.Errorf("%q: account %+v", name, r.Account)
		}
		if len(r.Certificates) != 1 || strings.Join(r.Certificates[0].Leaf.DNSNames, " ") != "a.test" {
			t.Errorf("%q: certificates %+v", name, r.Certificates)
		}
	}
	f := File{Resolvers: map[string]Resolver{"le": {}, "dns": {}}}
	if _, err := f.Resolver("other"); err == nil || !strings.Contains(err.Error(), "it has nothing of a resolver other, but of dns, le") {
		t.Errorf("another one: %v", err)
	}
	if r, err := (&File{}).Resolver("le"); err != nil || r.Account != nil {
		t.Errorf("an empty one: %v", err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("none: %v", err)
	}
}

// What is no good is told, and takes nothing else with it.
func TestFaults(t *testing.T) {
	g := newGoods(t)
	all, err := Parse([]byte(g.of2()))
	if err != nil || len(all) != 2 || all["new"].Account != nil {
		t.Fatalf("%+v, %v", all, err)
	}
	faults := all["le"].Faults
	if len(faults) != 1 || !strings.Contains(faults[0].Error(), "the certificate of mixed.test: tls: private key does not match") {
		t.Errorf("faults %v", faults)
	}
	secret := g.key[40:60]
	for text, want := range map[string]string{
		"{\n\"le\": {\n": "line 3: it is no JSON: unexpected end",
		"[]":             "it is not as Traefik writes it",
		`{"le": 3}`:      `resolver "le"`,
		`{"le": {"Account": {"PrivateKey": "` + secret + `!"}}}`: "illegal base64",
		`{"le": {"Certificates": "` + secret + `"}}`:             "Certificates is string",
	} {
		_, err := Parse([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: want %q, got %v", text, want, err)
		}
	}
	// Accounts that were never opened, and are keys of something else.
	for _, text := range []string{
		`{"le": {"Account": {"Email": "x@example.test", "PrivateKey": "` + g.account + `"}}}`,
		`{"le": {"Account": {"Email": "x@example.test", "Registration": {"uri": "https://ca.test/1"}, "PrivateKey": "` + g.key + `"}}}`,
	} {
		all, err := Parse([]byte(text))
		if r := all["le"]; err != nil || r.Account != nil || len(r.Faults) != 1 || !strings.Contains(r.Faults[0].Error(), "the account of x@example.test") {
			t.Errorf("%+v, %v", all, err)
		}
	}
	for _, empty := range []string{"", " \n", "{}"} {
		if all, err := Parse([]byte(empty)); err != nil || len(all) != 0 {
			t.Errorf("%q: %v, %v", empty, all, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	g := newGoods(f)
	for _, text := range []string{g.of1(), g.of2(), "", "{}", "null", `{"a": null}`, `{"Certificates": [{}]}`, `{"Certificates": null}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse([]byte(text))
		if err != nil {
			return
		}
		for _, r := range all {
			for _, c := range r.Certificates {
				if c.Leaf == nil || len(c.Key) == 0 {
					t.Errorf("a certificate without leaf or key in %q", text)
				}
			}
		}
	})
}

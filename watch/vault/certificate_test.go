package vault

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/watch"
)

// issue makes a certificate that began to be good so long ago, as PEM.
func issue(t *testing.T, name string, ca bool, age, life time.Duration) (cert, key string) {
	t.Helper()
	from := time.Now().Add(-age)
	pair := certtest.Issue(t, x509.Certificate{
		Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: from.Add(life), IsCA: ca, BasicConstraintsValid: true,
	}, nil)
	return string(pair.CertPEM()), string(pair.KeyPEM())
}

func TestCertificate(t *testing.T) {
	cert, key := issue(t, "a.example", false, 0, 10*time.Hour)
	ca, _ := issue(t, "CA", true, 0, 10*time.Hour)
	oldCert, oldKey := issue(t, "a.example", false, 99*time.Hour, 100*time.Hour)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct {
		file   string
		issued int
	}{
		"no file":        {"", 1},
		"a good one":     {file("good", "# config\n"+cert+key+ca), 0},
		"near its end":   {file("old", oldCert+oldKey), 1},
		"something else": {file("else", "nothing"), 1},
		"another's key":  {file("key", cert+oldKey), 1},
	} {
		issued := 0
		f := &fake{answers: map[string]func(object) (int, object){"PUT pki/issue/web": func(body object) (int, object) {
			if body["common_name"] != "a.example" {
				return 400, object{"errors": []string{"bad"}}
			}
			issued++
			return 200, object{"data": object{"certificate": cert, "private_key": key, "issuing_ca": ca, "ca_chain": []string{ca}, "serial_number": "01"}}
		}}}
		s, _ := newTestSource(t, f, nil)
		q := watch.VaultCertificate{Path: "pki/issue/web", Data: `{"common_name":"a.example"}`, File: test.file}
		reply := fetch(t, s, q)
		fetch(t, s, q)
		got := reply.Value.(*watch.IssuedCertificate)
		if issued != test.issued || got.Cert != cert || got.Key != key || got.CA != ca || len(got.CAChain) != 1 {
			t.Errorf("%s: %d were issued: %+v", name, issued, got)
		}
		if reply.Poll < 8*time.Hour || reply.Poll > 10*time.Hour {
			t.Errorf("%s: polls after %v", name, reply.Poll)
		}
	}
	other, otherKey := issue(t, "b.example", false, 0, 10*time.Hour)
	if _, leaf, err := parseCertificate([]byte(other + otherKey)); err != nil || named(leaf, `{"common_name":"a.example"}`) {
		t.Errorf("another's certificate is taken: %v", err)
	}
}

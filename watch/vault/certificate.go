package vault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// certificate takes the one in the file as long as it is good, and else has one
// issued.
func (s *Source) certificate(ctx context.Context, q watch.VaultCertificate) (watch.Reply, error) {
	now := time.Now()
	if text, err := os.ReadFile(q.File); err == nil {
		issued, leaf, err := parseCertificate(text)
		if err == nil && named(leaf, q.Data) {
			if h := s.holdCertificate(issued, leaf); now.Before(h.due) {
				s.remember(q, h)
				return h.reply(now), nil
			}
		}
	}
	issued, leaf, err := s.issue(ctx, q)
	if err != nil {
		return watch.Reply{}, err
	}
	h := s.holdCertificate(issued, leaf)
	s.remember(q, h)
	return h.reply(now), nil
}

// Issue has a certificate issued for a host name, now and each time it is called.
// path is that of a role, such as "pki/issue/web".
func (s *Source) Issue(ctx context.Context, path, name string) (*watch.IssuedCertificate, error) {
	q := watch.VaultCertificate{Path: strings.Trim(path, "/")}
	if err := s.session.open(ctx); err != nil {
		return nil, s.explain(q, err)
	}
	asked := q // but the name is no secret, which an error would hide
	data, err := json.Marshal(map[string]string{"common_name": name})
	if err != nil {
		return nil, fmt.Errorf("asking for a certificate: %w", err)
	}
	asked.Data = watch.Confidential(data)
	issued, _, err := s.issue(ctx, asked)
	if err != nil {
		return nil, s.explain(q, err)
	}
	if issued.Key == "" {
		return nil, s.explain(q, errors.New("the answer holds no key: the path has to be that of \"issue\", not of \"sign\""))
	}
	return issued, nil
}

func (s *Source) issue(ctx context.Context, q watch.VaultCertificate) (*watch.IssuedCertificate, *x509.Certificate, error) {
	answer, err := s.write(ctx, q.Path, q.Data, false)
	if err != nil {
		return nil, nil, err
	}
	return parseCertificate(pemOf(answer.Data))
}

// holdCertificate has it replaced near the end of its life.
func (s *Source) holdCertificate(issued *watch.IssuedCertificate, leaf *x509.Certificate) held {
	life := leaf.NotAfter.Sub(leaf.NotBefore)
	return held{value: issued, due: leaf.NotBefore.Add(part(life, s.config.Threshold, 0.03)), expires: leaf.NotAfter, lease: life}
}

// pemOf puts the PEM texts of an answer one behind the other.
func pemOf(data map[string]any) []byte {
	var b strings.Builder
	add := func(value any) {
		if text, ok := value.(string); ok {
			b.WriteString(text + "\n")
		}
	}
	for _, key := range []string{"certificate", "private_key", "issuing_ca"} {
		add(data[key])
	}
	chain, _ := data["ca_chain"].([]any)
	for _, ca := range chain {
		add(ca)
	}
	return []byte(b.String())
}

// parseCertificate finds a certificate, its key and authorities in a text, which
// may hold more. The key must be the certificate's.
func parseCertificate(text []byte) (*watch.IssuedCertificate, *x509.Certificate, error) {
	issued := &watch.IssuedCertificate{}
	var leaf *x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		plain := string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		if strings.HasSuffix(block.Type, "PRIVATE KEY") {
			issued.Key = plain
			continue
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, nil, fmt.Errorf("the certificate cannot be read: %w", err)
		}
		switch {
		case !c.IsCA:
			leaf, issued.Cert = c, plain
		case !slices.Contains(issued.CAChain, plain):
			issued.CAChain = append(issued.CAChain, plain)
		}
	}
	if len(issued.CAChain) > 0 {
		issued.CA = issued.CAChain[0]
	}
	if leaf == nil {
		return nil, nil, errors.New("no certificate is in the answer")
	}
	if issued.Key != "" {
		if _, err := tls.X509KeyPair([]byte(issued.Cert), []byte(issued.Key)); err != nil {
			return nil, nil, errors.New("the key is not the certificate's")
		}
	}
	return issued, leaf, nil
}

// named reports whether a certificate found in a file bears the name that is
// asked for: the settings may have changed since.
func named(leaf *x509.Certificate, data watch.Confidential) bool {
	var asked struct {
		CommonName string `json:"common_name"`
	}
	if json.Unmarshal([]byte(data.Reveal()), &asked) != nil || asked.CommonName == "" {
		return true
	}
	return leaf.Subject.CommonName == asked.CommonName || slices.Contains(leaf.DNSNames, asked.CommonName)
}

package transport

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Config is for connections by the transport that have TLS; nil if it is none, or
// says nothing of that. It is the caller's.
func (i ID) Config() *tls.Config {
	t := i.transport()
	if plain := (Transport{Name: t.Name, Conns: t.Conns}); t == plain {
		return nil
	}
	c := &tls.Config{
		MinVersion: cmp.Or(t.MinVersion, tls.VersionTLS12), MaxVersion: t.MaxVersion, ServerName: t.ServerName,
		InsecureSkipVerify: t.SkipVerify, //nolint:gosec // as the operator asks
	}
	if t.RootCAs != "" {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(t.RootCAs))
	}
	c.Certificates, _ = pairs(t.Certificates) // as they were when they were read
	c.CipherSuites = cipherSuites(t.Ciphers)
	if t.PeerURI != "" {
		c.VerifyConnection = func(s tls.ConnectionState) error { return t.verifyPeer(s, c.RootCAs) }
	}
	return c
}

// verifyPeer looks for the URI in a target's certificate, which has to be trusted.
func (t Transport) verifyPeer(s tls.ConnectionState, roots *x509.CertPool) error {
	leaf := s.PeerCertificates[0]
	if t.SkipVerify {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		if _, err := leaf.Verify(o); err != nil {
			return err
		}
	}
	for _, u := range leaf.URIs {
		if strings.EqualFold(u.String(), t.PeerURI) {
			return nil
		}
	}
	return fmt.Errorf("the certificate is not for %s", t.PeerURI)
}

// pairs takes apart what [Transport.Certificates] holds: a certificate begins with
// the first block after a key.
func pairs(text string) (all []tls.Certificate, err error) {
	var cert, key []byte
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		encoded := pem.EncodeToMemory(block)
		if block.Type == "CERTIFICATE" {
			cert = append(cert, encoded...)
			continue
		}
		if key = append(key, encoded...); !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue // parameters of the key
		}
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			return nil, err
		}
		all, cert, key = append(all, pair), nil, nil
	}
	if len(cert)+len(key) > 0 {
		return nil, errors.New("a certificate and its key go together")
	}
	return all, nil
}

// cipherSuites are those of the names, nil for none.
func cipherSuites(names string) (ids []uint16) {
	for name := range strings.SplitSeq(names, ",") {
		for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			if s.Name == name {
				ids = append(ids, s.ID)
			}
		}
	}
	return ids
}

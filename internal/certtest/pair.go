// Package certtest makes certificates for tests.
package certtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Pair is a certificate and its key.
type Pair struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
}

// Issue makes a certificate as wanted, signed by another one or, if that is nil, by
// itself. It is good from an hour ago for two, and has a serial number, unless it is
// wanted otherwise.
func Issue(t testing.TB, wanted x509.Certificate, by *Pair) *Pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if wanted.SerialNumber == nil {
		wanted.SerialNumber = big.NewInt(time.Now().UnixNano())
	}
	if wanted.NotBefore.IsZero() {
		wanted.NotBefore = time.Now().Add(-time.Hour)
	}
	if wanted.NotAfter.IsZero() {
		wanted.NotAfter = time.Now().Add(time.Hour)
	}
	if by == nil {
		by = &Pair{&wanted, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &wanted, by.Certificate, &key.PublicKey, by.Key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Pair{certificate, key}
}

// Authority makes one that may sign others.
func Authority(t testing.TB, wanted x509.Certificate) *Pair {
	t.Helper()
	wanted.IsCA, wanted.BasicConstraintsValid, wanted.KeyUsage = true, true, x509.KeyUsageCertSign
	return Issue(t, wanted, nil)
}

// TLS is the pair as package tls has it.
func (p *Pair) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{p.Certificate.Raw}, PrivateKey: p.Key, Leaf: p.Certificate}
}

// CertPEM is the certificate in PEM.
func (p *Pair) CertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate.Raw})
}

// KeyPEM is the key in PEM.
func (p *Pair) KeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(p.Key)
	if err != nil {
		panic(err) // a key of this kind can be encoded
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

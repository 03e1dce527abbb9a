package tlsconf

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
)

// Authorities are those one of which a client's certificate must be of. The zero
// value is ready to use and has none. Its methods may be called from any
// goroutine.
type Authorities struct {
	pool atomic.Pointer[x509.CertPool]
	// upgradeCN is the common name of self-signed certificates that count as
	// authorities although they do not say that they are any, such as those of
	// Amazon's API gateways. It is set before anything else.
	upgradeCN string
}

// Set sets them, from PEM. It changes nothing if there is no certificate in it.
func (a *Authorities) Set(texts ...[]byte) error {
	pool, found := x509.NewCertPool(), false
	for _, text := range texts {
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			if block.Type != "CERTIFICATE" {
				continue
			}
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				a.upgrade(c)
				pool.AddCert(c)
				found = true
			}
		}
	}
	if !found {
		return errors.New("client authorities: there is no certificate in PEM among them")
	}
	if old := a.pool.Load(); old == nil || !old.Equal(pool) {
		a.pool.Store(pool)
	}
	return nil
}

// upgrade lets a certificate sign those of clients if it is to be trusted to.
func (a *Authorities) upgrade(c *x509.Certificate) {
	if a.upgradeCN == "" || c.Issuer.CommonName != a.upgradeCN || !bytes.Equal(c.RawIssuer, c.RawSubject) {
		return
	}
	c.BasicConstraintsValid, c.IsCA, c.KeyUsage = true, true, x509.KeyUsageCertSign
}

// Read sets them to what is in files, and in the .pem files of folders. It
// changes nothing if one of them cannot be read.
func (a *Authorities) Read(paths ...string) error {
	var all [][]byte
	for _, path := range paths {
		files, err := readFileOrFolder(path)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			all = append(all, files[name])
		}
	}
	return a.Set(all...)
}

package tlsconf

import (
	"crypto/x509"
	"errors"
	"maps"
	"slices"
	"sync/atomic"
)

// Authorities are those one of which a client's certificate must be of. The zero
// value is ready to use and has none. Its methods may be called from any
// goroutine.
type Authorities struct{ pool atomic.Pointer[x509.CertPool] }

// Set sets them, from PEM. It changes nothing if there is no certificate in it.
func (a *Authorities) Set(pem ...[]byte) error {
	pool, found := x509.NewCertPool(), false
	for _, p := range pem {
		found = pool.AppendCertsFromPEM(p) || found
	}
	if !found {
		return errors.New("client authorities: there is no certificate in PEM among them")
	}
	if old := a.pool.Load(); old == nil || !old.Equal(pool) {
		a.pool.Store(pool)
	}
	return nil
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

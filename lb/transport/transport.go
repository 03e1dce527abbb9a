// Package transport says how connections to targets with TLS are made, beyond
// what their addresses say. It imports the standard library only.
package transport

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"unique"
)

// Transport is what the operator declares and services ask for by name. It has
// the contents of files, not their names, so that two are the same only if
// connections made by them are.
type Transport struct {
	Name string
	// SkipVerify takes any certificate of a target; ServerName is what it must be
	// for, empty is the host of the target's address.
	SkipVerify bool
	ServerName string
	// RootCAs are authorities in PEM, empty for those of the system.
	RootCAs string
	// Certificate and Key are for targets that ask for them, in PEM; or empty.
	Certificate, Key string
	// MinVersion is as in [tls.Config]; 0 is TLS 1.2.
	MinVersion uint16
}

// ReadFiles fills in the authorities and the certificate.
func (t *Transport) ReadFiles(rootCAs []string, certificate, key string) error {
	if (certificate == "") != (key == "") {
		return errors.New("certificate and key go together")
	}
	for _, path := range rootCAs {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("root_cas: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return fmt.Errorf("root_cas: %s holds no certificate in PEM", path)
		}
		t.RootCAs += string(text) + "\n"
	}
	if certificate == "" {
		return nil
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	secret, err := os.ReadFile(key)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if _, err := tls.X509KeyPair(text, secret); err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", certificate, key, err)
	}
	t.Certificate, t.Key = string(text), string(secret)
	return nil
}

// ID stands for a transport: those of equal ones are equal. The zero ID is none.
// It shows nothing of the transport but its name.
type ID struct{ handle unique.Handle[Transport] }

// ID is the transport's.
func (t Transport) ID() ID { return ID{unique.Make(t)} }

// String is the name, empty for none.
func (i ID) String() string {
	if i == (ID{}) {
		return ""
	}
	return i.handle.Value().Name
}

// GoString keeps the key out of what is printed for debugging.
func (i ID) GoString() string { return fmt.Sprintf("transport.ID(%q)", i.String()) }

// Equal reports whether both are the same.
func (i ID) Equal(other ID) bool { return i == other }

// Compare orders by name, and those of one name in some way that stays.
func (i ID) Compare(other ID) int {
	if i == other {
		return 0
	}
	if c := cmp.Compare(i.String(), other.String()); c != 0 || i == (ID{}) || other == (ID{}) {
		return c
	}
	a, b := i.handle.Value().digest(), other.handle.Value().digest()
	return cmp.Compare(string(a[:]), string(b[:]))
}

func (t Transport) digest() [sha256.Size]byte { return sha256.Sum256(fmt.Appendf(nil, "%#v", t)) }

// Config is for connections by the transport, nil for none. It is the caller's.
func (i ID) Config() *tls.Config {
	if i == (ID{}) {
		return nil
	}
	t := i.handle.Value()
	c := &tls.Config{
		MinVersion: cmp.Or(t.MinVersion, tls.VersionTLS12), ServerName: t.ServerName,
		InsecureSkipVerify: t.SkipVerify, //nolint:gosec // as the operator asks
	}
	if t.RootCAs != "" {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AppendCertsFromPEM([]byte(t.RootCAs))
	}
	// That they fit together was seen when they were read.
	if pair, err := tls.X509KeyPair([]byte(t.Certificate), []byte(t.Key)); err == nil {
		c.Certificates = []tls.Certificate{pair}
	}
	return c
}

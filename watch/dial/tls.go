package dial

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// TLS says how TLS is spoken; the zero value trusts the system's roots.
type TLS struct {
	// Wanted makes an address without a scheme https.
	Wanted bool
	// SkipVerify accepts any server certificate.
	SkipVerify bool
	// CACert is a PEM file and wins over CACertBytes, PEM itself, which wins over
	// CAPath, a folder of PEM files.
	CACert      string
	CACertBytes string
	CAPath      string
	// Cert and Key are PEM files with the client's certificate. Without Key,
	// Cert holds both.
	Cert       string
	Key        string
	ServerName string
}

func (t TLS) config() (*tls.Config, error) {
	c := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: t.SkipVerify, // the operator's word
		ServerName:         t.ServerName,
	}
	var err error
	if c.RootCAs, err = t.roots(); err != nil {
		return nil, err
	}
	if t.Key != "" && t.Cert == "" {
		return nil, errors.New("a key is given without a certificate")
	}
	if t.Cert != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, cmp.Or(t.Key, t.Cert))
		if err != nil {
			return nil, fmt.Errorf("reading the client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// roots are the certificates of the authorities to trust; nil for the system's.
func (t TLS) roots() (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if t.CACert == "" && t.CACertBytes != "" {
		if !pool.AppendCertsFromPEM([]byte(t.CACertBytes)) {
			return nil, errors.New("ca_cert_bytes holds no PEM certificate")
		}
		return pool, nil
	}
	var files []string
	switch {
	case t.CACert != "":
		files = []string{t.CACert}
	case t.CAPath != "":
		entries, err := os.ReadDir(t.CAPath)
		if err != nil {
			return nil, fmt.Errorf("reading the folder of authorities: %w", err)
		}
		for _, e := range entries {
			if !e.IsDir() {
				files = append(files, filepath.Join(t.CAPath, e.Name()))
			}
		}
	default:
		return nil, nil
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading an authority's certificate: %w", err)
		}
		if !pool.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no PEM certificate", file)
		}
	}
	return pool, nil
}

package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
)

// ReadFiles fills in the authorities and the certificates, each with the key of the
// same place. All are names of files or, as Traefik has it, what such a file would
// hold.
func (t *Transport) ReadFiles(rootCAs, certificates, keys []string) error {
	if len(certificates) != len(keys) {
		return errors.New("certificate and key go together")
	}
	for _, ca := range rootCAs {
		text, name, err := fileOrText(ca)
		if err != nil {
			return fmt.Errorf("root_cas: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(text) {
			return fmt.Errorf("root_cas: %s holds no certificate in PEM", name)
		}
		t.RootCAs += string(text) + "\n"
	}
	for i := range certificates {
		text, name, err := fileOrText(certificates[i])
		if err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
		secret, keyName, err := fileOrText(keys[i])
		if err != nil {
			return fmt.Errorf("key: %w", err)
		}
		pair := string(text) + "\n" + string(secret) + "\n"
		if _, err := tls.X509KeyPair(text, secret); err != nil {
			return fmt.Errorf("certificate %s with key %s: %w", name, keyName, err)
		}
		if _, err := pairs(pair); err != nil {
			return fmt.Errorf("certificate %s with key %s: %w", name, keyName, err)
		}
		t.Certificates += pair
	}
	return nil
}

// IsPEM tells the content of a file from its name.
func IsPEM(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN") }

// fileOrText is what a file holds, and what to call it.
func fileOrText(text string) (content []byte, name string, err error) {
	if IsPEM(text) {
		return []byte(text), "given as text", nil
	}
	content, err = os.ReadFile(text)
	return content, text, err
}

// SetCiphers takes suites by their numbers in package tls.
func (t *Transport) SetCiphers(ids []uint16) {
	var names []string
	for _, id := range ids {
		names = append(names, tls.CipherSuiteName(id))
	}
	t.Ciphers = strings.Join(names, ",")
}

// Package acmejson reads the file in which Traefik keeps its accounts and
// certificates, "acme.json": that of Traefik 1.7, which has one authority, and that
// of Traefik 2 and 3, which has one for each certificates resolver.
package acmejson

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
)

// maxSize is that of the largest file that is read, in bytes: tens of thousands of
// certificates.
const maxSize = 256 << 20

// File is what was read, by resolver. What is secret in it is in the keys.
type File struct {
	// Resolvers are by name. Traefik 1.7 has one, without a name.
	Resolvers map[string]Resolver
	// Digest is that of the text, in hexadecimal.
	Digest string
	// Mode is who may read the file. Whoever may has the keys.
	Mode fs.FileMode
}

// Resolver is what there is of one authority.
type Resolver struct {
	Account      *Account // nil for none
	Certificates []Certificate
	// Faults are about what could not be read and is left out.
	Faults []error
}

// Account is one at an authority.
type Account struct {
	Email string
	URL   string // of the account, at the authority
	Key   *rsa.PrivateKey
}

// Certificate is one with its key, for one or more names.
type Certificate struct {
	Chain, Key []byte // PEM
	Leaf       *x509.Certificate
}

// Read reads a file. That some certificates are no good is no error.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSize {
		return nil, fmt.Errorf("%s: it has more than %d bytes, which no such file has", path, maxSize)
	}
	resolvers, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &File{Resolvers: resolvers, Digest: fmt.Sprintf("%x", sha256.Sum256(text)), Mode: info.Mode().Perm()}, nil
}

// Resolver returns what there is by a name, whatever its case, or else what there
// is, if that is all.
func (f *File) Resolver(name string) (Resolver, error) {
	names := slices.Sorted(maps.Keys(f.Resolvers))
	for _, n := range names {
		if strings.EqualFold(n, name) || len(names) == 1 {
			return f.Resolvers[n], nil
		}
	}
	if len(names) == 0 {
		return Resolver{}, nil
	}
	return Resolver{}, fmt.Errorf("it has nothing of a resolver %s, but of %s: give the acme stanza the name of one of them", name, strings.Join(names, ", "))
}

// stored is how a resolver is written down, in all versions: names of keys differ in
// case alone.
type stored struct {
	Account *struct {
		Email        string
		Registration *struct{ URI string }
		PrivateKey   []byte // DER of PKCS #1
	}
	Certificates []*struct {
		Domain struct {
			Main string
			SANs []string
		}
		Certificate, Key []byte
	}
}

// Parse reads the text of a file. An empty one, as Traefik makes them, has nothing.
func Parse(text []byte) (map[string]Resolver, error) {
	resolvers := map[string]Resolver{}
	if len(bytes.TrimSpace(text)) == 0 {
		return resolvers, nil
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return nil, notJSON(text, err)
	}
	if isOf1(keys) {
		keys = map[string]json.RawMessage{"": text}
	}
	for name, part := range keys {
		var s stored
		if err := json.Unmarshal(part, &s); err != nil {
			return nil, fmt.Errorf("it is not as Traefik writes it: resolver %q: %w", name, plain(err))
		}
		resolvers[name] = s.resolver()
	}
	return resolvers, nil
}

// isOf1 reports whether a file is one of Traefik 1.7.
func isOf1(keys map[string]json.RawMessage) bool {
	for name, part := range keys {
		isList := bytes.HasPrefix(part, []byte("[")) || string(part) == "null"
		if strings.EqualFold(name, "Certificates") && isList || strings.EqualFold(name, "HTTPChallenges") || strings.EqualFold(name, "TLSChallenges") {
			return true
		}
	}
	return false
}

// notJSON says where a text is no JSON object.
func notJSON(text []byte, err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(text[:min(int(syntax.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("line %d: it is no JSON: %w", line, err)
	}
	return fmt.Errorf("it is not as Traefik writes it: %w", plain(err))
}

// plain is an error without what the text held, which may be part of a key.
func plain(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s is %s", wrong.Field, strings.Fields(wrong.Value + " ?")[0])
	}
	return err
}

func (s *stored) resolver() (r Resolver) {
	fault := func(format string, args ...any) { r.Faults = append(r.Faults, fmt.Errorf(format, args...)) }
	if a := s.Account; a != nil && len(a.PrivateKey) > 0 {
		key, err := x509.ParsePKCS1PrivateKey(a.PrivateKey)
		if err == nil && a.Registration != nil && a.Registration.URI != "" {
			r.Account = &Account{Email: a.Email, URL: a.Registration.URI, Key: key}
		} else {
			fault("the account of %s was never opened, or its key is none", a.Email)
		}
	}
	for _, c := range s.Certificates {
		if c == nil || len(c.Certificate) == 0 || len(c.Key) == 0 {
			continue // which Traefik passes over as well
		}
		pair, err := tls.X509KeyPair(c.Certificate, c.Key)
		if err != nil {
			fault("the certificate of %s: %w", c.Domain.Main, err)
			continue
		}
		r.Certificates = append(r.Certificates, Certificate{Chain: c.Certificate, Key: c.Key, Leaf: pair.Leaf})
	}
	return r
}

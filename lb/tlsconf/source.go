package tlsconf

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"
)

// The kinds of source this package reads by itself.
const (
	TypeFile       = "file"
	TypePath       = "path"
	TypeHTTP       = "http"
	TypeSelfSigned = "selfsigned"
)

// Source says where certificates are kept.
type Source struct {
	Type string
	// Cert is a PEM file, a folder, or the URL of a text file that lists PEM
	// files; see [PairsOf] for the names they must have. With TypeFile there may be
	// several, separated by commas, and Key may be as many other files with their
	// keys. With TypeSelfSigned it is the names to be made for, separated by commas.
	Cert, Key string
	// ClientCA has the authorities of clients: a PEM file or a folder, or with
	// TypeHTTP a URL as above. Empty: clients need no certificate.
	ClientCA string
	// UpgradeCN is the common name of self-signed certificates in ClientCA that may
	// sign although they do not say so.
	UpgradeCN string
	// Refresh is how often all that is read again; 0 is never.
	Refresh time.Duration
	// Header is sent along with TypeHTTP. Its values are secret.
	Header http.Header
}

// Content is what a source holds.
type Content struct {
	Pairs []Pair
	// ClientCAs are files of certificates in PEM.
	ClientCAs [][]byte
}

// read reads all of the source. Beside an error it returns what could be read.
func (s Source) read(ctx context.Context) (c Content, err error) {
	var files map[string][]byte
	switch s.Type {
	case TypeFile:
		c.Pairs, err = s.readPairs()
	case TypePath:
		if files, err = readFolder(s.Cert); err == nil {
			c.Pairs = PairsOf(files)
		}
	case TypeHTTP:
		if files, err = s.fetchListed(ctx, s.Cert); err == nil {
			c.Pairs = PairsOf(files)
		}
	case TypeSelfSigned:
		c.Pairs, err = s.makePair()
	default:
		err = fmt.Errorf("certificates of type %q are not read by package tlsconf", s.Type)
	}
	var errCA error
	c.ClientCAs, errCA = s.readClientCAs(ctx)
	return c, errors.Join(err, errCA)
}

// readPairs reads all files or, if one cannot be read, none: what is missing in
// part would look as if it was no longer wanted.
func (s Source) readPairs() ([]Pair, error) {
	certs, keys := Files(s.Cert), Files(s.Key)
	pairs := make([]Pair, len(certs))
	var errs []error
	read := func(path string) []byte {
		content, err := readFile(path)
		errs = append(errs, err)
		return content
	}
	for i, cert := range certs {
		pairs[i] = Pair{Name: cert, Cert: read(cert)}
		if i < len(keys) && keys[i] != cert {
			pairs[i].Key = read(keys[i])
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return pairs, nil
}

// Files are those of a list that is separated by commas.
func Files(text string) (files []string) {
	for file := range strings.SplitSeq(text, ",") {
		if file = strings.TrimSpace(file); file != "" {
			files = append(files, file)
		}
	}
	return files
}

func (s Source) readClientCAs(ctx context.Context) (cas [][]byte, err error) {
	var files map[string][]byte
	switch {
	case s.ClientCA == "":
		return nil, nil
	case s.Type == TypeHTTP:
		files, err = s.fetchListed(ctx, s.ClientCA)
	default:
		files, err = readFileOrFolder(s.ClientCA)
	}
	if err != nil {
		return nil, fmt.Errorf("client authorities: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		cas = append(cas, files[name])
	}
	return cas, nil
}

func readFileOrFolder(path string) (map[string][]byte, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return readFolder(path)
	}
	file, err := readFile(path)
	return map[string][]byte{path: file}, err
}

func (s Source) makePair() ([]Pair, error) {
	hosts := strings.FieldsFunc(s.Cert, func(r rune) bool { return r == ',' || r == ' ' })
	if len(hosts) == 0 {
		hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	p, err := SelfSigned(hosts...)
	return []Pair{p}, err
}

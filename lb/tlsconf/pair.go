package tlsconf

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Pair is a certificate, its chain and its key, as PEM. It is secret.
type Pair struct {
	// Name tells the pairs of one store apart.
	Name string
	// Cert may hold the key too; Key is empty then.
	Cert, Key []byte
}

// PairsOf finds the pairs among files by their names: NAME.pem holds both
// halves, NAME-cert.pem and NAME-key.pem one each. Other files are passed over.
// A half without the other one is a pair too, a broken one.
func PairsOf(files map[string][]byte) []Pair {
	byName := map[string]Pair{}
	for file, content := range files {
		name, ok := strings.CutSuffix(file, ".pem")
		if !ok {
			continue
		}
		name, isKey := strings.CutSuffix(name, "-key")
		if !isKey {
			name = strings.TrimSuffix(name, "-cert")
		}
		p := byName[name]
		p.Name = name
		if isKey {
			p.Key = content
		} else {
			p.Cert = content
		}
		byName[name] = p
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b Pair) int { return cmp.Compare(a.Name, b.Name) })
}

func (p Pair) parse() (*tls.Certificate, error) {
	if len(p.Cert) == 0 {
		return nil, fmt.Errorf("certificate %s: there is a key and no certificate", p.Name)
	}
	key := p.Key
	if len(key) == 0 {
		key = p.Cert
	}
	c, err := tls.X509KeyPair(p.Cert, key)
	if err != nil {
		// Of package tls, which shows nothing of the key.
		return nil, fmt.Errorf("certificate %s: %w", p.Name, err)
	}
	return &c, nil
}

func (p Pair) digest() [sha256.Size]byte {
	h := sha256.New()
	for _, part := range [][]byte{p.Cert, p.Key} {
		fmt.Fprintf(h, "%d ", len(part))
		h.Write(part)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

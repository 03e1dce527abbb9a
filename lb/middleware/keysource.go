package middleware

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// keySource gives the keys that tokens are checked with.
type keySource interface {
	// keys are those there are now. A token's algorithm and the name of its key tell
	// whether newer ones may be needed. An error says that nobody can be let in.
	keys(ctx context.Context, algorithm, id string) ([]jwtKey, error)
	// fault is what is wrong with the source at the moment. It varies for all but
	// fixed keys.
	fault() (varies bool, err error)
}

func newKeySource(s *spec.JWT) (keySource, error) {
	var fixed fixedKeys
	var err error
	switch {
	case s.JWKSURL != "":
		return newRemoteKeys(s)
	case s.KeyFile != "":
		return newKeyFile(s.KeyFile, parsePublicKeys), nil
	case s.SecretFile != "":
		return newKeyFile(s.SecretFile, parseSecret), nil
	case s.Key != "":
		fixed, err = parsePublicKeys([]byte(s.Key))
	default:
		fixed, err = parseSecret([]byte(s.Secret))
	}
	return fixed, err
}

// fixedKeys never change.
type fixedKeys []jwtKey

func (f fixedKeys) keys(context.Context, string, string) ([]jwtKey, error) { return f, nil }
func (fixedKeys) fault() (varies bool, err error)                          { return false, nil }

// suit reports whether there is a key for any of the algorithms.
func (f fixedKeys) suit(algorithms []string) bool {
	return slices.ContainsFunc(algorithms, func(a string) bool { return len(candidates(f, a, "")) > 0 })
}

// keyFile is a file of keys.
type keyFile struct{ *freshFile[[]jwtKey] }

func newKeyFile(path string, parse func([]byte) ([]jwtKey, error)) keyFile {
	return keyFile{newFreshFile(path, lookEvery, parse)}
}

func (f keyFile) keys(context.Context, string, string) ([]jwtKey, error) {
	keys, err := f.get()
	if err != nil {
		return nil, fmt.Errorf("nobody is let in: the file %s: %w", f.path, err)
	}
	return keys, nil
}

func (f keyFile) fault() (varies bool, err error) {
	_, err = f.keys(context.Background(), "", "")
	return true, err
}

package middleware

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

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

// keyFile is a file of keys, read again when it has changed. While it cannot be
// read, or makes no sense, there are no keys: who replaced it wanted others.
type keyFile struct {
	path  string
	parse func([]byte) ([]jwtKey, error)
	now   atomic.Pointer[keysOrError]

	mu      sync.Mutex // for who looks at the file
	looked  time.Time
	changed time.Time // of the file as it was read, and:
	size    int64
}

// keysOrError is immutable.
type keysOrError struct {
	keys []jwtKey
	err  error
}

// lookEvery is how often a file is looked at, at most.
const lookEvery = time.Second

func newKeyFile(path string, parse func([]byte) ([]jwtKey, error)) *keyFile {
	f := &keyFile{path: path, parse: parse}
	f.now.Store(&keysOrError{err: errors.New("it was not read yet")})
	f.look()
	return f
}

func (f *keyFile) keys(context.Context, string, string) ([]jwtKey, error) {
	f.look()
	now := f.now.Load()
	return now.keys, now.err
}

func (f *keyFile) fault() (varies bool, err error) {
	f.look()
	return true, f.now.Load().err
}

// look reads the file if it has changed, unless somebody else does.
func (f *keyFile) look() {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.looked) < lookEvery {
		return
	}
	f.looked = now
	info, err := os.Stat(f.path)
	if err == nil && info.ModTime().Equal(f.changed) && info.Size() == f.size && f.now.Load().err == nil {
		return
	}
	var text []byte
	if err == nil {
		f.changed, f.size = info.ModTime(), info.Size()
		text, err = readFile(f.path)
	}
	var keys []jwtKey
	if err == nil {
		keys, err = f.parse(text)
	}
	if err != nil {
		err = fmt.Errorf("nobody is let in: the file %s: %w", f.path, err)
	}
	f.now.Store(&keysOrError{keys, err})
}

package acme

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/caddyserver/certmagic"
)

// Storage keeps what is shared: the account's key, certificates and their keys,
// challenges under way. Names have parts, separated by slashes. Its methods are
// called from any goroutine.
type Storage interface {
	// Load returns a value, or an error that is [fs.ErrNotExist].
	Load(ctx context.Context, name string) ([]byte, error)
	Store(ctx context.Context, name string, value []byte) error
	// Delete removes a value and all below it. That nothing is there is no error.
	Delete(ctx context.Context, name string) error
	// List names the values below a name, at whatever depth.
	List(ctx context.Context, name string) ([]string, error)
	// Lock waits for the lock of that name, which one of all that share the storage
	// has at a time. held ends when it is lost; release gives it back and must be
	// called.
	Lock(ctx context.Context, name string) (held context.Context, release func(), err error)
}

// shared makes the library's storage of ours.
type shared struct {
	Storage

	mu    sync.Mutex
	locks map[string]func() // what gives them back
}

var _ certmagic.Storage = (*shared)(nil)

// newStorage is where the options say that things are kept.
func newStorage(o *Options) certmagic.Storage {
	if o.Storage == nil {
		return &certmagic.FileStorage{Path: o.Folder}
	}
	return &shared{Storage: o.Storage, locks: map[string]func(){}}
}

// Lock implements [certmagic.Locker]. What is done under a lock is done again
// without harm, so that losing one is not told.
func (s *shared) Lock(ctx context.Context, name string) error {
	_, release, err := s.Storage.Lock(ctx, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.locks[name] = release
	return nil
}

// Unlock implements [certmagic.Locker].
func (s *shared) Unlock(_ context.Context, name string) error {
	s.mu.Lock()
	release := s.locks[name]
	delete(s.locks, name)
	s.mu.Unlock()
	if release == nil {
		return fmt.Errorf("lock %s is not held", name)
	}
	release()
	return nil
}

// Exists implements [certmagic.Storage].
func (s *shared) Exists(ctx context.Context, name string) bool {
	_, err := s.Stat(ctx, name)
	return err == nil
}

// List implements [certmagic.Storage].
func (s *shared) List(ctx context.Context, name string, recursive bool) ([]string, error) {
	below := strings.Trim(name, "/")
	names, err := s.Storage.List(ctx, below)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("below %s: %w", name, fs.ErrNotExist)
	}
	if err != nil || recursive {
		return names, err
	}
	if below != "" {
		below += "/"
	}
	var children []string
	for _, n := range names {
		child, _, _ := strings.Cut(strings.TrimPrefix(n, below), "/")
		children = append(children, below+child)
	}
	slices.Sort(children)
	return slices.Compact(children), nil
}

// Stat implements [certmagic.Storage]. Nobody knows when a value was written.
func (s *shared) Stat(ctx context.Context, name string) (certmagic.KeyInfo, error) {
	value, err := s.Load(ctx, name)
	if err == nil {
		return certmagic.KeyInfo{Key: name, Size: int64(len(value)), IsTerminal: true}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return certmagic.KeyInfo{}, err
	}
	if _, err := s.List(ctx, name, true); err != nil {
		return certmagic.KeyInfo{}, err
	}
	return certmagic.KeyInfo{Key: name}, nil
}

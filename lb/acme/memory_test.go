package acme

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// memory is a storage that all who have it share. While down is set, it fails.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  map[string]chan struct{}
	down   error
}

func newMemory() *memory {
	return &memory{values: map[string][]byte{}, locks: map[string]chan struct{}{}}
}

func (m *memory) Load(_ context.Context, name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.values[name]
	if m.down == nil && !ok {
		return nil, fs.ErrNotExist
	}
	return value, m.down
}

func (m *memory) Store(_ context.Context, name string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values[name] = slices.Clone(value)
	return m.down
}

func (m *memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.values, func(n string, _ []byte) bool { return n == name || strings.HasPrefix(n, name+"/") })
	return m.down
}

func (m *memory) List(_ context.Context, name string) (names []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for n := range m.values {
		if name == "" || strings.HasPrefix(n, name+"/") {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names, m.down
}

func (m *memory) Lock(ctx context.Context, name string) (context.Context, func(), error) {
	m.mu.Lock()
	slot := m.locks[name]
	if slot == nil {
		slot = make(chan struct{}, 1)
		m.locks[name] = slot
	}
	m.mu.Unlock()
	select {
	case slot <- struct{}{}:
		return ctx, func() { <-slot }, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

func (m *memory) setDown(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = err
}

// keys are the names there are.
func (m *memory) keys() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(m.values)), "\n")
}

// all is what there is, by name.
func (m *memory) all() map[string][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values)
}

package funcs

import (
	"fmt"
	"maps"
	"slices"
)

// Scratch is where a template keeps values of its own. Each execution begins
// with an empty one.
type Scratch struct {
	values map[string]any
}

// Key reports whether something is kept under a name, were it nil.
func (s *Scratch) Key(name string) bool {
	_, there := s.values[name]
	return there
}

// Get is what is kept under a name, or nil.
func (s *Scratch) Get(name string) any { return s.values[name] }

// Set keeps a value. Like all that change something it prints nothing.
func (s *Scratch) Set(name string, value any) string {
	if s.values == nil {
		s.values = make(map[string]any)
	}
	s.values[name] = value
	return ""
}

// SetX keeps a value unless there is one.
func (s *Scratch) SetX(name string, value any) string {
	if s.Key(name) {
		return ""
	}
	return s.Set(name, value)
}

// MapSet keeps a value under a key of a map.
func (s *Scratch) MapSet(name, key string, value any) (string, error) {
	m, err := s.mapOf(name)
	if err != nil {
		return "", err
	}
	m[key] = value
	return "", nil
}

// MapSetX is MapSet unless the map has the key.
func (s *Scratch) MapSetX(name, key string, value any) (string, error) {
	m, err := s.mapOf(name)
	if err != nil {
		return "", err
	}
	if _, there := m[key]; !there {
		m[key] = value
	}
	return "", nil
}

// MapValues are the values of a map in the order of their keys; nil if there is
// no such map.
func (s *Scratch) MapValues(name string) []any {
	m, ok := s.values[name].(map[string]any)
	if !ok {
		return nil
	}
	values := make([]any, 0, len(m))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[key])
	}
	return values
}

func (s *Scratch) mapOf(name string) (map[string]any, error) {
	if !s.Key(name) {
		s.Set(name, make(map[string]any))
	}
	m, ok := s.values[name].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%q holds a %T, not a map", name, s.values[name])
	}
	return m, nil
}

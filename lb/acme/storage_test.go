package acme

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"
)

func TestSharedStorage(t *testing.T) {
	m := newMemory()
	s, ctx := newStorage(&Options{Storage: m}), t.Context()
	for _, name := range []string{"a/b", "a/c/d", "a/c/e", "ab"} {
		if err := s.Store(ctx, name, []byte("12")); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]struct {
		exists, value bool
		children, all []string
	}{
		"a":    {exists: true, children: []string{"a/b", "a/c"}, all: []string{"a/b", "a/c/d", "a/c/e"}},
		"a/b":  {exists: true, value: true},
		"a/c/": {exists: true, children: []string{"a/c/d", "a/c/e"}, all: []string{"a/c/d", "a/c/e"}},
		"b":    {},
	} {
		info, err := s.Stat(ctx, name)
		switch {
		case s.Exists(ctx, name) != want.exists || info.IsTerminal != want.value:
			t.Errorf("%s: %+v, %v", name, info, err)
		case !want.exists && !errors.Is(err, fs.ErrNotExist):
			t.Errorf("%s: %v", name, err)
		case want.value && info.Size != 2:
			t.Errorf("%s: %+v", name, info)
		}
		for recursive, want := range map[bool][]string{false: want.children, true: want.all} {
			got, err := s.List(ctx, name, recursive)
			if !slices.Equal(got, want) || len(want) == 0 != errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s, recursive %v: %q, %v; want %q", name, recursive, got, err, want)
			}
		}
	}
	down := errors.New("down")
	m.setDown(down)
	if _, err := s.Stat(ctx, "x"); !errors.Is(err, down) || s.Exists(ctx, "x") {
		t.Errorf("of a storage that is down: %v", err)
	}
}

func TestSharedLocks(t *testing.T) {
	m := newMemory()
	one, two := newStorage(&Options{Storage: m}), newStorage(&Options{Storage: m})
	if err := one.Lock(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	limited, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := two.Lock(limited, "x"); err == nil {
		t.Error("both have the lock")
	}
	if err := two.Unlock(t.Context(), "x"); err == nil {
		t.Error("a lock of another one was given back")
	}
	if err := one.Unlock(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if err := two.Lock(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

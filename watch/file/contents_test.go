package file

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

func TestContents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "motd")
	write(t, path, "one\n")
	c := NewContents(slog.New(slog.DiscardHandler))
	run(t, c.Run)
	is := func(want string) func(string) bool { return func(got string) bool { return got == want } }
	await(t, c, watch.File{Path: path}, is("one\n"))
	write(t, path, "two\n")
	await(t, c, watch.File{Path: path}, is("two\n"))
	write(t, path+".new", "three\n")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	await(t, c, watch.File{Path: path}, is("three\n"))
}

func TestContentsErrors(t *testing.T) {
	c := NewContents(slog.New(slog.DiscardHandler))
	path := filepath.Join(t.TempDir(), "missing")
	_, err := c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: path}})
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: t.TempDir()}}); err == nil {
		t.Error("a folder was read")
	}
	if _, err := c.Fetch(t.Context(), watch.Request{Query: watch.Services{}}); !errors.Is(err, watch.ErrUnanswerable) {
		t.Errorf("another query: %v", err)
	}
	if c.Answers(watch.Services{}) || !c.Answers(watch.File{}) {
		t.Error("it answers files and nothing else")
	}
	// The same text after an error is news to one who saw the error.
	write(t, path, "x")
	_, first := ask(t, c, watch.File{Path: path})
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: path}, Index: first, Wait: time.Minute}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed file: %v", err)
	}
	write(t, path, "x")
	if _, second := ask(t, c, watch.File{Path: path}); second <= first {
		t.Errorf("index %d after %d", second, first)
	}
}

// Without Run, requests look for themselves; a file that was only touched is
// no change.
func TestContentsWithoutRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "motd")
		write(t, path, "one")
		c := NewContents(slog.New(slog.DiscardHandler))
		_, index := ask(t, c, watch.File{Path: path})
		if err := os.Chtimes(path, time.Time{}, time.Now()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		reply, err := c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: path}, Index: index, Wait: 15 * time.Second})
		if err != nil || reply.Index != index || time.Since(start) != 15*time.Second {
			t.Errorf("touched: %v, %v after %s", reply, err, time.Since(start))
		}
		write(t, path, "two!")
		start = time.Now()
		reply, err = c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: path}, Index: reply.Index, Wait: time.Minute})
		if err != nil || reply.Value != "two!" || time.Since(start) != 0 {
			t.Errorf("changed before: %v, %v after %s", reply, err, time.Since(start))
		}
		go func() {
			time.Sleep(3 * time.Second) // on the simulated clock
			write(t, path, "three")
		}()
		reply, err = c.Fetch(t.Context(), watch.Request{Query: watch.File{Path: path}, Index: reply.Index, Wait: time.Minute})
		if err != nil || reply.Value != "three" || time.Since(start) != 4*time.Second {
			t.Errorf("changed while held: %v, %v after %s", reply, err, time.Since(start))
		}
	})
}

package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

// Each archive breaks one rule; the golden part is the faults and the services
// that are left.
func TestBadFiles(t *testing.T) {
	eachArchive(t, "testdata/bad/*.txtar", func(t *testing.T, dir string) string {
		c := newCatalog(t, dir)
		if len(c.Faults()) == 0 {
			t.Error("no fault was found")
		}
		var b strings.Builder
		for _, f := range c.Faults() {
			fmt.Fprintln(&b, strings.ReplaceAll(f.Error(), dir+string(filepath.Separator), ""))
		}
		names, _ := ask(t, c, watch.Services{})
		for _, s := range names {
			fmt.Fprintf(&b, "service %s\n", s.Name)
		}
		pairs, _ := ask(t, c, watch.Prefix{})
		for _, p := range pairs {
			fmt.Fprintf(&b, "key %s = %q\n", p.Key, p.Value)
		}
		return b.String()
	})
}

func TestNoFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "consul.d")
	_, err := NewCatalog(missing, testOptions())
	if !os.IsNotExist(unwrapAll(err)) || !strings.Contains(err.Error(), missing) {
		t.Errorf("got %v, want one that names the missing folder", err)
	}
}

func unwrapAll(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestUnreadable(t *testing.T) {
	dir := folderOf(t, map[string]string{"good.json": `{"service": {"name": "good"}}`, "kv/inner/key": "v"})
	if err := os.Symlink(filepath.Join(dir, "kv"), filepath.Join(dir, "kv", "loop")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(os.DevNull, filepath.Join(dir, "device.json")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling.json")); err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t, dir)
	want := fmt.Sprintf("[%s: not a regular file %s: a symbolic link to a folder is not followed]",
		filepath.Join(dir, "device.json"), filepath.Join(dir, "kv", "loop"))
	if got := fmt.Sprint(c.Faults()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if names, _ := ask(t, c, watch.Services{}); len(names) != 1 {
		t.Errorf("services: %v", names)
	}
}

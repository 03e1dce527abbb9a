package install

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSideFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "side.txt")
	write := func(f SideFile, text, want string, mode os.FileMode) {
		t.Helper()
		f.Path = path
		if err := f.Write(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("holds %q, want %q (%v)", got, want, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("mode %v, want %v (%v)", info.Mode(), mode, err)
		}
	}
	write(SideFile{Perms: 0o640, Append: true}, "one", "one", 0o640)
	write(SideFile{Perms: 0o600, Append: true}, "two", "onetwo", 0o600)
	write(SideFile{Perms: 0o644}, "three", "three", 0o644)
	write(SideFile{Perms: 0o600}, "three", "three", 0o600) // only the mode is new
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files are there, want one (%v)", len(entries), err)
	}
}

func TestSideFileRefuses(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	for _, err := range []error{
		os.WriteFile(target, []byte("old"), 0o600),
		os.Symlink(target, filepath.Join(dir, "link")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o755),
		os.Symlink(filepath.Join(dir, "folder"), filepath.Join(dir, "link-to-folder")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"link":             "is a symbolic link",
		"link-to-folder/x": "is a symbolic link",
		"folder":           "directory",
	} {
		for _, appends := range []bool{false, true} {
			f := SideFile{Path: filepath.Join(dir, name), Perms: 0o600, Append: appends}
			if err := f.Write(t.Context(), []byte("new")); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s, append %v: %v, want %q", name, appends, err, want)
			}
		}
	}
	for _, appends := range []bool{false, true} {
		f := SideFile{Path: filepath.Join(dir, "x"), User: "no-such-user-here", Perms: 0o600, Append: appends}
		if err := f.Write(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "no-such-user-here") {
			t.Errorf("append %v: %v", appends, err)
		}
	}
	if text, err := os.ReadFile(target); err != nil || string(text) != "old" {
		t.Errorf("the link's target holds %q (%v)", text, err)
	}
}

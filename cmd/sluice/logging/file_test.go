package logging

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// contents reads the files of a folder in the order of their names, which is
// that of their beginning.
func contents(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.ReplaceAll(string(text), "\n", "."))
	}
	return strings.Join(all, "|")
}

func TestLogFileRotation(t *testing.T) {
	tests := map[string]struct {
		settings config.LogFile
		want     string
	}{
		"for ever":      {config.LogFile{}, "one.two.three.four."},
		"by size":       {config.LogFile{RotateBytes: 8}, "one.two.|three.|four."},
		"smaller":       {config.LogFile{RotateBytes: 1}, "one.|two.|three.|four."},
		"by age":        {config.LogFile{RotateDuration: 2 * time.Minute}, "one.two.|three.four."},
		"keep one":      {config.LogFile{RotateBytes: 1, RotateMaxFiles: 1}, "three.|four."},
		"keep none":     {config.LogFile{RotateBytes: 1, RotateMaxFiles: -1}, "four."},
		"keep many":     {config.LogFile{RotateBytes: 1, RotateMaxFiles: 9}, "one.|two.|three.|four."},
		"size and time": {config.LogFile{RotateBytes: 1000, RotateDuration: 3 * time.Minute}, "one.two.three.|four."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				test.settings.Path = filepath.Join(dir, "app.txt")
				f, err := openRotatedFile(test.settings, "sluice")
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				for _, line := range []string{"one\n", "two\n", "three\n", "four\n"} {
					if n, err := f.Write([]byte(line)); n != len(line) || err != nil {
						t.Fatalf("%d, %v", n, err)
					}
					time.Sleep(time.Minute)
				}
				if got := contents(t, dir); got != test.want {
					t.Errorf("the files hold %q, want %q", got, test.want)
				}
			})
		})
	}
}

func TestLogFileNames(t *testing.T) {
	for path, want := range map[string]string{
		"app":         `^app-\d+\.log$`,
		"app.txt":     `^app-\d+\.txt$`,
		"a.b.c":       `^a\.b-\d+\.c$`,
		"":            `^consul-template-\d+\.log$`,
		"app-1-x.log": `^app-1-x-\d+\.log$`,
	} {
		dir := t.TempDir()
		f, err := openRotatedFile(config.LogFile{Path: dir + "/" + path}, "consul-template")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if name := filepath.Base(f.file.Name()); !regexp.MustCompile(want).MatchString(name) {
			t.Errorf("%q: the file is %s", path, name)
		}
		if info, err := f.file.Stat(); err != nil || info.Mode().Perm()&^0o640 != 0 {
			t.Errorf("%q: mode %v, %v", path, info.Mode(), err)
		}
	}
	if _, err := openRotatedFile(config.LogFile{Path: t.TempDir() + "/none/app"}, "sluice"); err == nil {
		t.Error("a folder that does not exist was accepted")
	}
}

// Files of others, however they are named, are not ours to remove.
func TestLogFileKeepsOthers(t *testing.T) {
	dir := t.TempDir()
	keep := []string{"app-.log", "app-12x.log", "app-1.txt", "other-1.log", "app.log"}
	for _, name := range append(keep, "app-1.log", "app-2.log") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f, err := openRotatedFile(config.LogFile{Path: dir + "/app", RotateMaxFiles: 1}, "sluice")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, name := range append(keep, "app-2.log") {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "app-1.log")); err == nil {
		t.Error("the oldest is still there")
	}
}

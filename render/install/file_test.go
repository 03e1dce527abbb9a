package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func install(t *testing.T, f File, content string) (Outcome, error) {
	t.Helper()
	run := &Runner{}
	defer run.Close()
	return f.Install(t.Context(), run, []byte(content))
}

func mustInstall(t *testing.T, f File, content string) Outcome {
	t.Helper()
	outcome, err := install(t, f, content)
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func TestInstallWritesOnlyDifferences(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "conf")}
	for _, step := range []struct {
		content string
		written bool
	}{{"", true}, {"", false}, {"a", true}, {"a", false}, {"b", true}, {"a", true}} {
		if got := mustInstall(t, f, step.content).Written; got != step.written {
			t.Errorf("installing %q wrote: %v, want %v", step.content, got, step.written)
		}
		if got := mustRead(t, f.Path); got != step.content {
			t.Errorf("the file holds %q, want %q", got, step.content)
		}
	}
	if got := names(t, filepath.Dir(f.Path)); len(got) != 1 {
		t.Errorf("the folder holds %q, want the file alone", got)
	}
}

func TestInstallMode(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "conf")
	for _, step := range []struct {
		name, content string
		perms, want   os.FileMode
	}{
		{"new file", "1", 0, 0o644},
		{"mode asked for", "2", 0o600, 0o600},
		{"mode kept", "3", 0, 0o600},
		{"umask does not apply", "4", 0o666, 0o666},
	} {
		mustInstall(t, File{Path: path, Perms: step.perms}, step.content)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != step.want {
			t.Errorf("%s: %v, want %v", step.name, info.Mode(), step.want)
		}
	}
}

func TestInstallKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "conf")
	mustWrite(t, path, "old", 0o640)
	if err := os.Chown(path, 1234, 4321); err != nil {
		t.Fatal(err)
	}
	mustInstall(t, File{Path: path}, "new")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 1234 || s.Gid != 4321 || info.Mode() != 0o640 {
		t.Errorf("owner %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}

func TestInstallOwnerAskedFor(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "conf")
	owned := File{Path: path, User: "1234", Group: "4321"}
	for _, step := range []struct {
		file    File
		content string
		written bool
		want    owner
	}{
		{File{Path: path, User: "root", Group: "root"}, "a", true, owner{}},
		{owned, "a", true, owner{1234, 4321}}, // a wrong owner is a difference
		{owned, "a", false, owner{1234, 4321}},
		{File{Path: path, Group: "0"}, "a", true, owner{1234, 0}},
		{File{Path: path}, "b", true, owner{1234, 0}},
	} {
		if got := mustInstall(t, step.file, step.content).Written; got != step.written {
			t.Errorf("%+v: written %v", step, got)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownerOf(info); got != step.want {
			t.Errorf("%+v: the owner is %v", step, got)
		}
	}
	for _, f := range []File{{Path: path, User: "no-such-user"}, {Path: path, Group: "no-such-group"}} {
		if _, err := install(t, f, "c"); err == nil || !strings.Contains(err.Error(), "no-such-") {
			t.Errorf("error %v", err)
		}
	}
	if got := names(t, filepath.Dir(path)); mustRead(t, path) != "b" || len(got) != 1 {
		t.Errorf("after the errors the file holds %q, the folder %q", mustRead(t, path), got)
	}
}

func TestRejectedOfOthersIsLeftAlone(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "conf")}
	mustWrite(t, f.rejected(), "mine", 0o600)
	mustInstall(t, f, "x")
	if got := mustRead(t, f.rejected()); got != "mine" {
		t.Errorf("it holds %q", got)
	}
}

func TestInstallReplacesLink(t *testing.T) {
	dir := t.TempDir()
	target, path := filepath.Join(dir, "target"), filepath.Join(dir, "conf")
	mustWrite(t, target, "old", 0o600)
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	mustInstall(t, File{Path: path}, "new")
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o600 || mustRead(t, path) != "new" || mustRead(t, target) != "old" {
		t.Errorf("%v %q, target %q", info.Mode(), mustRead(t, path), mustRead(t, target))
	}
}

func TestInstallBackup(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "conf"), Backup: true}
	mustInstall(t, f, "1")
	if got := names(t, filepath.Dir(f.Path)); len(got) != 1 {
		t.Errorf("after the first write there are %q", got)
	}
	mustInstall(t, f, "2")
	mustInstall(t, f, "3")
	if got := mustRead(t, f.Path+".bak"); got != "2" {
		t.Errorf("the backup holds %q, want the last but one", got)
	}
	if err := os.Remove(f.Path + ".bak"); err != nil {
		t.Fatal(err)
	}
	// As after a kill between backup and rename: both are one file.
	if err := os.Link(f.Path, f.Path+".bak"); err != nil {
		t.Fatal(err)
	}
	mustInstall(t, f, "4")
	if got := names(t, filepath.Dir(f.Path)); mustRead(t, f.Path+".bak") != "3" || len(got) != 2 {
		t.Errorf("the backup holds %q, the folder %q", mustRead(t, f.Path+".bak"), got)
	}
}

func TestInstallCreatesFolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "conf")
	if _, err := install(t, File{Path: path}, "x"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("without CreateDirs: %v", err)
	}
	mustInstall(t, File{Path: path, CreateDirs: true}, "x")
	if mustRead(t, path) != "x" {
		t.Error("not written")
	}
}

func TestUnwritableDestination(t *testing.T) {
	dir := t.TempDir()
	mustWrite(t, filepath.Join(dir, "plain"), "", 0o600)
	for name, path := range map[string]string{
		"folder is a file":         filepath.Join(dir, "plain", "conf"),
		"destination is a folder":  dir,
		"no such file system path": "/proc/sluice/conf",
	} {
		_, err := install(t, File{Path: path, CreateDirs: true}, "x")
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v does not name %s", name, err, path)
		}
	}
}

// The command is owed from before the file changes until it has succeeded.
func TestOwedUntilApplied(t *testing.T) {
	f := File{Path: filepath.Join(t.TempDir(), "conf"), Applies: true}
	steps := []struct {
		content string
		apply   bool
		want    Outcome
	}{
		{"a", false, Outcome{Written: true, Owed: true}},
		{"a", false, Outcome{Owed: true}},
		{"a", true, Outcome{Owed: true}},
		{"a", false, Outcome{}},
		{"b", true, Outcome{Written: true, Owed: true}},
		{"b", false, Outcome{}},
	}
	for i, step := range steps {
		if got := mustInstall(t, f, step.content); got != step.want {
			t.Errorf("step %d: %+v, want %+v", i, got, step.want)
		}
		if step.apply {
			if err := f.Applied(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := names(t, filepath.Dir(f.Path)); !reflect.DeepEqual(got, []string{"conf"}) {
		t.Errorf("the folder holds %q in the normal state", got)
	}
	mustInstall(t, f, "c")
	f.Applies = false
	if got := mustInstall(t, f, "c"); got != (Outcome{}) {
		t.Errorf("without a command %+v is left to do", got)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "my conf's")
	checks := map[string]Command{
		"shell":    {"grep -q good {} || { echo 'line 1: bad word' >&2; exit 3; }"},
		"direct":   {"sh", "-c", `grep -q good "$1" || { echo "line 1: bad word"; exit 3; }`, "sh", "{}"},
		"variable": {`grep -q good "$SLUICE_CANDIDATE" || { echo line 1: bad word; exit 3; }`},
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			f := File{Path: path, Check: check, Perms: 0o644, Applies: true}
			mustInstall(t, f, "good 1 "+name)
			if err := f.Applied(); err != nil {
				t.Fatal(err)
			}
			_, err := install(t, f, "evil")
			if _, ok := errors.AsType[*RejectedError](err); !ok {
				t.Fatalf("error %v, want a rejection", err)
			}
			for _, word := range []string{path, "line 1: bad word", "exit status 3", path + ".rejected"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q does not say %q", err, word)
				}
			}
			if got := mustRead(t, path); got != "good 1 "+name {
				t.Errorf("the file holds %q", got)
			}
			info, err := os.Stat(path + ".rejected")
			if err != nil {
				t.Fatal(err)
			}
			if mustRead(t, path+".rejected") != "evil" || info.Mode() != 0o600 {
				t.Errorf("the rejected file holds %q, mode %v", mustRead(t, path+".rejected"), info.Mode())
			}
			if owed, _ := f.isMarked(); owed {
				t.Error("the command is owed for a rejected file")
			}
			mustInstall(t, f, "good 2")
			if err := f.Applied(); err != nil {
				t.Fatal(err)
			}
			if got := names(t, dir); !reflect.DeepEqual(got, []string{filepath.Base(path)}) {
				t.Errorf("the folder holds %q after the next good file", got)
			}
		})
	}
}

func TestRemoveLeftoversOnlyOurs(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "conf")}
	keep := []string{".conf.swp", ".conf.tmp", ".other.sluice-X.tmp", "conf", "conf.sluice-X.tmp"}
	for _, name := range append([]string{".conf.sluice-X.tmp"}, keep...) {
		mustWrite(t, filepath.Join(dir, name), "", 0o600)
	}
	if err := f.RemoveLeftovers(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); !reflect.DeepEqual(got, keep) {
		t.Errorf("left are %q, want %q", got, keep)
	}
	if err := (File{Path: filepath.Join(dir, "none", "conf")}).RemoveLeftovers(); err != nil {
		t.Errorf("without a folder: %v", err)
	}
}

// Written in place, the file stays the file it was: bind mounts and links hold
// on to it.
func TestInPlace(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	mustWrite(t, target, "a longer text than the next", 0o640)
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	f := File{Path: link, InPlace: true, Backup: true}
	mustInstall(t, f, "new")
	after, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || after.Mode() != before.Mode() || mustRead(t, target) != "new" {
		t.Errorf("it was replaced, or holds %q", mustRead(t, target))
	}
	if got := mustRead(t, link+".bak"); got != "a longer text than the next" {
		t.Errorf("the backup holds %q", got)
	}
	mustInstall(t, File{Path: filepath.Join(dir, "fresh"), InPlace: true}, "first")
	if got, want := names(t, dir), []string{"fresh", "link", "link.bak", "target"}; !reflect.DeepEqual(got, want) {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestRestore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "conf")
	f := File{Path: path, Applies: true}
	if content, err := f.Content(); content != nil || err != nil {
		t.Errorf("without a file: %q, %v", content, err)
	}
	mustInstall(t, f, "good")
	good, err := f.Content()
	if err != nil {
		t.Fatal(err)
	}
	mustInstall(t, f, "bad")
	if err := f.Restore(t.Context(), &Runner{}, good); err != nil {
		t.Fatal(err)
	}
	if mustRead(t, path) != "good" || mustRead(t, path+".rejected") != "bad" {
		t.Errorf("the files hold %q and %q", mustRead(t, path), mustRead(t, path+".rejected"))
	}
	if owed, _ := f.isMarked(); !owed {
		t.Error("the command is not owed for the restored file")
	}
}

// A check that is cut short says nothing about the file: it is neither
// rejected nor kept.
func TestCheckCutShortRejectsNothing(t *testing.T) {
	dir := t.TempDir()
	f := File{Path: filepath.Join(dir, "conf"), Check: Command{"touch " + dir + "/started; exec sleep 60"}}
	mustWrite(t, f.Path, "old", 0o644)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(dir, "started")); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	run := &Runner{}
	defer run.Close()
	_, err := f.Install(ctx, run, []byte("new"))
	if _, rejected := errors.AsType[*RejectedError](err); err == nil || rejected {
		t.Errorf("error %v", err)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"conf", "started"}) || mustRead(t, f.Path) != "old" {
		t.Errorf("the folder holds %q, and the file %q", got, mustRead(t, f.Path))
	}
}

package unixsock

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func listen(t *testing.T, path string, o Options) *Listener {
	t.Helper()
	l, err := Listen(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestSocketIsRemovedAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l := listen(t, path, Options{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v: want mode 0660", info, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestSocketOfAnotherProcessIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first := listen(t, path, Options{})
	if _, err := Listen(path, Options{}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("err = %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	listen(t, path, Options{})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the first one has taken the other's socket with it: %v", err)
	} else {
		conn.Close()
	}
}

func TestSocketThatWasLeftBehindMakesRoom(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	listen(t, path, Options{})
}

func TestWhatIsNoSocketStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("dear"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path, Options{}); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("err = %v", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "dear" {
		t.Error("the file is gone")
	}
}

func TestModeAndOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	own := strconv.Itoa(os.Getuid()) + ":" + strconv.Itoa(os.Getgid())
	listen(t, path, Options{Mode: 0o606, Owner: own})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != fs.FileMode(0o606) {
		t.Errorf("%v, %v", info, err)
	}
	for _, nobody := range []string{"no such user", ":no such group"} {
		if _, err := Listen(path+"2", Options{Owner: nobody}); err == nil || !strings.Contains(err.Error(), "no such") {
			t.Errorf("%q: err = %v", nobody, err)
		}
	}
}

func TestPath(t *testing.T) {
	for address, want := range map[string]string{"unix:/run/x": "/run/x", "unix:///run//x": "/run/x", "unix:x": "x", "unix://": ""} {
		if path, ok := Path(address); !ok || path != want {
			t.Errorf("%s: %q, %v", address, path, ok)
		}
	}
	if _, ok := Path("127.0.0.1:80"); ok {
		t.Error("an address is taken for a socket")
	}
	for path, ok := range map[string]bool{"/run/x": true, "x": false, "/": false, "": false, "/" + strings.Repeat("x", 107): false} {
		if err := Check(path); (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

package admin

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A web page whose name was made to resolve to this machine sends its own name
// as Host, and must not get anything.
func TestRebinding(t *testing.T) {
	o := everything()
	o.Hosts = []string{"Sluice.example"}
	s := start(t, o)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	tests := map[string]int{
		"localhost":              200,
		"localhost:" + port:      200,
		"LOCALHOST.:1":           200,
		"127.0.0.1:" + port:      200,
		"127.8.8.8":              200,
		"[::1]:" + port:          200,
		"[::1]":                  200,
		"sluice.example:" + port: 200,
		"evil.example":           403,
		"evil.example:" + port:   403,
		"localhost.evil.example": 403,
		"127.0.0.1.evil.example": 403,
		"notlocalhost":           403,
		"10.0.0.1:" + port:       403,
		"0.0.0.0:" + port:        403,
		"[fe80::1%25eth0]":       403,
		"127.1":                  403,
	}
	for host, want := range tests {
		for _, target := range []string{"/", "/healthz", "/api/routes", "/nope"} {
			status := want
			if target == "/nope" && want == 200 {
				status = 404
			}
			answer, body := ask(t, s, "GET", target, host)
			if answer.StatusCode != status {
				t.Errorf("Host %s, %s: %d, %s", host, target, answer.StatusCode, body)
			}
			if status == 403 && !strings.Contains(body, "admin.hosts") {
				t.Errorf("Host %s: no way out in %s", host, body)
			}
		}
	}
}

// Probes in HTTP/1.0 need not send a host; browsers always do.
func TestNoHost(t *testing.T) {
	s := start(t, Options{})
	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /healthz HTTP/1.0\r\n\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.0 200 OK\r\n") {
		t.Errorf("%q, %v", answer, err)
	}
}

// From another machine the address the request came in at is a good name, any
// other is not; and the log says that the listener is open to all.
func TestAllAddresses(t *testing.T) {
	var log strings.Builder
	s := start(t, Options{Listen: "0.0.0.0:0", Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("no warning: %s", log.String())
	}
	address := outside(t)
	_, port, _ := net.SplitHostPort(s.Addr().String())
	for host, want := range map[string]int{address: 200, "evil.example": 403, "192.0.2.1": 403, "0.0.0.0": 403} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+net.JoinHostPort(address, port)+"/healthz", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Host, r.Close = host, true
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, answer.StatusCode, want)
		}
	}
}

// outside is an address of this machine that is not a loopback one.
func outside(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has only loopback addresses")
	return ""
}

func TestLoopbackDoesNotWarn(t *testing.T) {
	var log strings.Builder
	for _, address := range []string{"127.0.0.1:0", "unix://" + filepath.Join(t.TempDir(), "s")} {
		s, err := New(Options{Listen: address, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		s.listener.Close()
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

func TestUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as after kill -9
	dead.Close()

	o := everything()
	o.Listen = "unix://" + path
	s := start(t, o)
	if answer, body := ask(t, s, "GET", "/healthz", "any.name"); answer.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%d, %s", answer.StatusCode, body)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := New(o); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a living socket was taken over: %v", err)
	}
}

func TestListenFaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{})
	for _, address := range []string{"unix://" + file, "unix:///nowhere/at/all", s.Addr().String(), "127.0.0.1:99999", "nonsense"} {
		if _, err := New(Options{Listen: address}); err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if text, err := os.ReadFile(file); string(text) != "precious" {
		t.Errorf("the file is lost: %q, %v", text, err)
	}
}

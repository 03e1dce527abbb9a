package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){ourName: main, otherName: main})
}

// The scripts are the end-to-end tests. Besides testscript's own commands they
// use those below. What waits for something polls until it is there, so that no
// script sleeps.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			ip := parts.Loopback(t)
			env.Setenv("IP", ip)
			env.Setenv("LB", ip+":9999")
			env.Setenv("ADMIN", ip+":9998")
			env.Setenv("PATH", env.Getenv("PATH")+":/usr/sbin")
			env.Setenv("ROOT", root)
			env.Setenv("HOME", os.Getenv("HOME")) // for the go command's caches
			env.Values[scriptKey{}] = &script{t: env.T(), backends: map[string]instance{}, remote: map[string]*parts.Consul{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"need":      need,
			"consul":    consulCommand,
			"vault":     vaultCommand,
			"nomad":     nomadCommand,
			"kv":        kv,
			"redis":     redisCommand,
			"authority": authorityCommand,
			"backend":   backend,
			"collector": collectorCommand,
			"get":       get,
			"load":      loadCommand,
			"flap":      flap,
			"hostile":   hostileCommand,
			"await":     await,
			"signal":    signalBackground,
			"status":    status,
			"systemd":   systemd,
		},
	})
}

// How long a condition may take to come true. It is no demand on speed.
const patience = 60 * time.Second

// script is what one script has running.
type script struct {
	t         testscript.T
	agent     *parts.Consul
	remote    map[string]*parts.Consul // of other datacenters
	vault     *parts.Vault
	nomad     *parts.Nomad
	redis     *miniredis.Miniredis
	collector *tracingtest.Collector
	authority *parts.Pebble
	backends  map[string]instance
	loads     map[string]*load
	notified  *net.UnixConn
}

type scriptKey struct{}

func of(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// scriptTB lets package parts work for a script.
type scriptTB struct {
	testing.TB // never called
	ts         *testscript.TestScript
}

func (tb scriptTB) Helper()                           {}
func (tb scriptTB) Cleanup(f func())                  { tb.ts.Defer(f) }
func (tb scriptTB) Failed() bool                      { return true }
func (tb scriptTB) Fatal(args ...any)                 { tb.Fatalf("%s", fmt.Sprint(args...)) }
func (tb scriptTB) Fatalf(format string, args ...any) { tb.ts.Fatalf(format, args...) }
func (tb scriptTB) Logf(format string, args ...any)   { tb.ts.Logf(format, args...) }
func (tb scriptTB) Name() string                      { return tb.ts.Name() }
func (tb scriptTB) Skipf(format string, args ...any) {
	of(tb.ts).t.Skip(fmt.Sprintf(format, args...))
}

func (tb scriptTB) TempDir() string {
	dir, err := os.MkdirTemp(tb.ts.Getenv("WORK"), "parts-")
	tb.ts.Check(err)
	return dir
}

// need PROGRAM… skips the script without these programs; in CI it fails.
func need(ts *testscript.TestScript, _ bool, programs []string) {
	for _, program := range programs {
		parts.Path(scriptTB{ts: ts}, program)
	}
}

// get [-n N] [-H 'Name: value'] URL STATUS [REGEXP] requests URL until the
// answer has that status and its head and body match. With -n it makes N
// requests, each of which must answer so at once.
func get(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("get", flag.ContinueOnError)
	n := flags.Int("n", 0, "")
	header := flags.String("H", "", "")
	quic := flags.Bool("http3", false, "")
	ts.Check(flags.Parse(args))
	if flags.NArg() < 2 || flags.NArg() > 3 || neg {
		ts.Fatalf("usage: get [-n N] [-H header] [-http3] URL STATUS [REGEXP]")
	}
	url, status, pattern := flags.Arg(0), flags.Arg(1), regexp.MustCompile("(?m)"+flags.Arg(2))
	once := func() error {
		transport, done := http.DefaultTransport, func() {}
		if *quic {
			transport, done = overHTTP3()
		}
		defer done()
		text, err := fetch(transport, url, *header)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(text, status+" ") || !pattern.MatchString(text) {
			return fmt.Errorf("%s: wanted %s and %q, got\n%s", url, status, pattern, text)
		}
		return nil
	}
	if *n == 0 {
		ts.Check(poll(once))
	}
	for range *n {
		ts.Check(once())
	}
}

// fetch returns status line, headers and body as text.
func fetch(transport http.RoundTripper, url, header string) (string, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	if name, value, ok := strings.Cut(header, ":"); ok {
		req.Header.Set(name, strings.TrimSpace(value))
		if strings.EqualFold(name, "host") {
			req.Host = strings.TrimSpace(value)
		}
	}
	resp, err := transport.RoundTrip(req) // no redirects followed
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", resp.Status)
	if err := resp.Header.Write(&b); err != nil {
		return "", err
	}
	return strings.ReplaceAll(b.String(), "\r", "") + "\n" + string(body), nil
}

// await FILE REGEXP waits until the file is there and matches; ! await until
// it does not match.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: await FILE REGEXP")
	}
	path, pattern := ts.MkAbs(args[0]), regexp.MustCompile("(?m)"+args[1])
	ts.Check(poll(func() error {
		text, err := os.ReadFile(path)
		if err == nil && pattern.Match(text) == neg {
			err = fmt.Errorf("%s: want a match of %q: %v; it holds\n%s", args[0], pattern, !neg, text)
		}
		return err
	}))
}

func poll(try func() error) error {
	deadline := time.Now().Add(patience)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// status N PROGRAM ARG… runs a program, which must end with that status.
func status(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM [ARG…]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("ended with status %d, want %s", got, args[0])
	}
}

// systemd          opens a socket for notifications and sets NOTIFY_SOCKET
// systemd MESSAGE  waits until that is received.
func systemd(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) == 0 {
		path := ts.MkAbs("notify.sock")
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		ts.Check(err)
		ts.Defer(func() { conn.Close() })
		ts.Setenv("NOTIFY_SOCKET", path)
		s.notified = conn
		return
	}
	buf := make([]byte, 100)
	ts.Check(s.notified.SetReadDeadline(time.Now().Add(patience)))
	n, err := s.notified.Read(buf)
	ts.Check(err)
	if string(buf[:n]) != args[0] {
		ts.Fatalf("received %q", buf[:n])
	}
}

// signal NAME sends SIGNAME to all background commands, or with a second word to
// those that run that program.
func signalBackground(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "KILL": syscall.SIGKILL}
	if len(args) == 0 || len(args) > 2 || signals[args[0]] == nil {
		ts.Fatalf("usage: signal TERM|HUP|INT|KILL [PROGRAM]")
	}
	for _, cmd := range ts.BackgroundCmds() {
		if len(args) == 1 || strings.Contains(strings.Join(cmd.Args, " "), "exec "+args[1]) {
			ts.Check(cmd.Process.Signal(signals[args[0]]))
		}
	}
}

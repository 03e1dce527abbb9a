package haproxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// proxy is a real HAProxy.
type proxy struct {
	t       *testing.T
	dir     string
	address string
	socket  string
	*Runtime
	text []byte // the configuration it runs, or is to run
}

// line is a server of the configuration under test.
func line(name string, at net.Addr, words string) string {
	return fmt.Sprintf("  server %s %s check %s\n", name, at, words)
}

// config puts servers into a backend.
func (p *proxy) config(balance, servers string) []byte {
	return fmt.Appendf(nil, `global
  stats socket %s mode 600 level admin
defaults
  mode http
  option redispatch
  retries 2
  timeout connect 2s
  timeout client 10s
  timeout server 10s
  default-server inter 1s fall 3 rise 1
frontend in
  bind %s
  default_backend web
backend web
  balance %s
%s`, p.socket, p.address, balance, servers)
}

func startProxy(t *testing.T, balance, servers string) *proxy {
	t.Helper()
	program := parts.Path(t, "haproxy")
	// Not the test's own folder: the path of a socket has to be short.
	dir, err := os.MkdirTemp("", "haproxy")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &proxy{t: t, dir: dir, address: parts.Loopback(t) + ":8080", socket: filepath.Join(dir, "s")}
	p.Runtime = New(p.socket)
	p.text = p.config(balance, servers)
	file := filepath.Join(dir, "cfg")
	if err := os.WriteFile(file, p.text, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-W", "-db", "-f", file)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		cmd.Wait()
	})
	p.await(func() error { _, err := p.ask(t.Context(), "show info"); return err })
	return p
}

func (p *proxy) await(condition func() error) {
	p.t.Helper()
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if err = condition(); err == nil {
			return
		}
	}
	p.t.Fatal(err)
}

// become takes other servers to the running HAProxy.
func (p *proxy) become(text []byte) error {
	err := p.Apply(p.t.Context(), p.text, text)
	if err == nil {
		p.text = text
	}
	return err
}

func (p *proxy) worker() string {
	p.t.Helper()
	info, err := p.ask(p.t.Context(), "show info")
	pid := regexp.MustCompile(`(?m)^Pid: \d+$`).FindString(info)
	if err != nil || pid == "" {
		p.t.Fatalf("no pid in %q (%v)", info, err)
	}
	return pid
}

func startBackend(t *testing.T, handler http.HandlerFunc) net.Addr {
	t.Helper()
	backend := httptest.NewServer(handler)
	t.Cleanup(backend.Close)
	return backend.Listener.Addr()
}

func hello(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }

// load sends requests until total were sent, and tells of every one that was
// not answered 200. Half of the clients keep their connections.
func load(ctx context.Context, address string, total int64, failed func(error)) (sent *atomic.Int64, wait func()) {
	sent = new(atomic.Int64)
	var group sync.WaitGroup
	for client := range 4 {
		group.Go(func() {
			transport := &http.Transport{DisableKeepAlives: client%2 == 0}
			defer transport.CloseIdleConnections()
			c := http.Client{Transport: transport, Timeout: 10 * time.Second}
			for sent.Add(1) <= total && ctx.Err() == nil {
				resp, err := c.Get("http://" + address)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
					if err == nil && resp.StatusCode != http.StatusOK {
						err = fmt.Errorf("status %d", resp.StatusCode)
					}
				}
				if err != nil {
					failed(err)
				}
			}
		})
	}
	return sent, group.Wait
}

// Servers come, go, move and change their weight and state under load: no
// request is lost, and no process is replaced.
func TestNoRequestIsLost(t *testing.T) {
	var addresses []net.Addr
	for range 6 {
		addresses = append(addresses, startBackend(t, hello))
	}
	random := rand.New(rand.NewPCG(1, 2))
	some := func() string {
		var b strings.Builder
		b.WriteString(line("stays", addresses[random.IntN(len(addresses))], ""))
		for i := range 8 {
			words := fmt.Sprintf("weight %d", 1+random.IntN(256))
			switch random.IntN(4) {
			case 0, 1:
				continue
			case 2:
				words += " disabled"
			}
			b.WriteString(line(fmt.Sprint("s", i), addresses[random.IntN(len(addresses))], words))
		}
		return b.String()
	}
	p := startProxy(t, "roundrobin", some())
	before := p.worker()
	const total = 20_000
	sent, wait := load(t.Context(), p.address, total, func(err error) { t.Errorf("a request was lost: %v", err) })
	changes := 0
	for ; sent.Load() < total; changes++ {
		if err := p.become(p.config("roundrobin", some())); err != nil {
			t.Errorf("change %d: %v", changes, err)
			break
		}
	}
	wait()
	if changes < 20 {
		t.Errorf("only %d changes in all that time", changes)
	}
	if after := p.worker(); after != before {
		t.Errorf("the worker was %s and is %s", before, after)
	}
	t.Logf("%d changes, %d requests", changes, total)
}

// A server that still has a request in hand is let finish it, and comes back
// as itself.
func TestRetiredServerFinishes(t *testing.T) {
	held, release := make(chan struct{}, 1), make(chan struct{})
	slow := startBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		held <- struct{}{}
		<-release
		w.Header().Set("Connection", "close") // an idle connection would hold the server for seconds
		io.WriteString(w, "slow")
	})
	done := sync.OnceFunc(func() { close(release) })
	t.Cleanup(done)
	quick := startBackend(t, hello)
	p := startProxy(t, "roundrobin", line("slow", slow, ""))
	answer := make(chan string, 1)
	go func() {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Get("http://" + p.address)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer <- string(body)
	}()
	<-held
	withSlow := p.text
	withQuick := p.config("roundrobin", line("quick", quick, ""))
	slowKey := key{"web", "slow"}
	for range 2 {
		if err := p.become(withQuick); err != nil {
			t.Fatal(err)
		}
		now, err := p.state(t.Context())
		if err != nil || !now[slowKey].inMaintenance() {
			t.Fatalf("the slow one is %+v (%v)", now[slowKey], err)
		}
		if err := p.become(withSlow); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.become(withQuick); err != nil {
		t.Fatal(err)
	}
	done()
	if text := <-answer; text != "slow" {
		t.Errorf("the request in hand got %q", text)
	}
	p.await(func() error {
		// Any change is an occasion to delete what could not be before.
		if err := p.become(p.config("roundrobin", line("quick", quick, fmt.Sprint("weight ", 1+rand.IntN(200))))); err != nil {
			return err
		}
		now, err := p.state(t.Context())
		if _, exists := now[slowKey]; exists && err == nil {
			err = fmt.Errorf("the slow one is still there")
		}
		return err
	})
}

func TestWhatNeedsAReload(t *testing.T) {
	at := startBackend(t, hello)
	p := startProxy(t, "roundrobin", line("a", at, ""))
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"another line":  {p.config("leastconn", line("a", at, "")), "other lines"},
		"an option":     {p.config("roundrobin", line("a", at, "backup")), "its options differ"},
		"a bad keyword": {p.config("roundrobin", line("a", at, "")+line("b", at, "nonsense")), "nonsense"},
		"cookie":        {p.config("roundrobin", line("a", at, "")+line("b", at, "cookie x")), "not accepted for dynamic server"},
		"too heavy":     {p.config("roundrobin", line("a", at, "weight 257")), "between 0 and 256"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := p.Apply(t.Context(), p.text, c.text); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	if err := p.Apply(t.Context(), p.text, bytes.ReplaceAll(p.text, []byte("  "), []byte("\t"))); err != nil {
		t.Errorf("other indentation needs a reload: %v", err)
	}
	static := startProxy(t, "static-rr", line("a", at, ""))
	if err := static.become(static.config("static-rr", line("a", at, "")+line("b", at, ""))); err == nil || !strings.Contains(err.Error(), "dynamic") {
		t.Errorf("a static backend got a server: %v", err)
	}
	if err := New(filepath.Join(p.dir, "none")).Apply(t.Context(), p.text, p.text); err == nil {
		t.Error("a HAProxy that does not run has taken a change")
	}
}

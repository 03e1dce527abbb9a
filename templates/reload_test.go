package templates_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

var web = watch.Health{Service: "web", PassingOnly: true}

// suffix is a key whose value is appended to the config as it is.
var suffix = watch.Key{Path: "suffix"}

// proxy is a real proxy whose config a renderer keeps.
type proxy struct {
	t        *testing.T
	dir      string
	config   string
	address  string
	source   *watchtest.Source
	renderer *render.Renderer
	instance watch.Instance // the service's only one
}

// pidFile is written by start. The programs' own may be empty for a moment
// while they reload.
const pidFile = "pid"

// newProxy renders the named template with one instance of the service web,
// exposed at /. The check and reload commands run in dir.
func newProxy(t *testing.T, name, dir string, check, reload install.Command) *proxy {
	t.Helper()
	p := &proxy{t: t, dir: dir, address: parts.Loopback(t) + ":8080", source: watchtest.New()}
	p.config = filepath.Join(dir, name+".conf")
	p.source.Set(watch.Services{}, []watch.ServiceTags{{Name: "web"}})
	p.serve("one")
	p.append("")

	template := get(t, name)
	template.Contents += `{{ key "suffix" }}`
	template.Destination, template.Check, template.Command = p.config, check, reload
	env := map[string]string{"NGINX_LISTEN": p.address, "HAPROXY_BIND": p.address}
	options := render.DefaultOptions()
	options.Templates = []render.Template{template}
	options.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	options.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	options.Stdout, options.Stderr = t.Output(), t.Output()

	watcherOptions := watch.DefaultOptions()
	watcherOptions.Logger = options.Logger
	watcher := watch.New(watcherOptions, p.source)
	var err error
	if p.renderer, err = render.New(options, watcher); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { watcher.Run(ctx) })
	wait.Go(func() { p.renderer.Run(ctx) })
	t.Cleanup(func() { cancel(); wait.Wait() })
	p.awaitState(render.Applied)
	return p
}

// serve makes web's only instance one that answers with text.
func (p *proxy) serve(text string) {
	p.t.Helper()
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	p.t.Cleanup(backend.Close)
	address := backend.Listener.Addr().(*net.TCPAddr)
	p.instance = instance("web", text, address.IP.String(), address.Port, map[string]string{"expose": "/"})
	p.source.Set(web, []watch.Instance{p.instance})
}

func (p *proxy) append(text string) {
	p.source.Set(suffix, &watch.Pair{Key: "suffix", Value: text})
}

// start runs the proxy until the end of the test.
func (p *proxy) start(program string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir = p.dir
	cmd.Stdout, cmd.Stderr = p.t.Output(), p.t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.dir, pidFile), fmt.Append(nil, cmd.Process.Pid), 0o600); err != nil {
		p.t.Error(err)
	}
	p.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // workers that still drain
	})
}

// get asks the proxy, over a new connection each time.
func (p *proxy) get() (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + p.address + "/x")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, " ", string(body)), err
}

func (p *proxy) awaitAnswer(want string) {
	p.t.Helper()
	var got string
	var err error
	p.await(func() bool { got, err = p.get(); return got == want }, func() string {
		return fmt.Sprintf("the answer is %q (%v), want %q", got, err, want)
	})
}

func (p *proxy) awaitState(want render.State) render.TemplateStatus {
	p.t.Helper()
	status := func() render.TemplateStatus { return p.renderer.Status()[0] }
	p.await(func() bool { return status().State == want }, func() string {
		return fmt.Sprintf("the state is %+v, want %s", status(), want)
	})
	return status()
}

func (p *proxy) await(condition func() bool, explain func() string) {
	p.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if condition() {
			return
		}
	}
	p.t.Fatal(explain())
}

// follow changes the catalog and breaks the config under a running proxy. It
// lets each reload end before it causes the next: HAProxy does not notice a
// signal that arrives while it reloads.
func (p *proxy) follow(complaint string) {
	p.t.Helper()
	p.awaitAnswer("200 one")
	p.serve("two")
	p.awaitAnswer("200 two")

	good, err := os.ReadFile(p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.append("nonsense here;\n")
	status := p.awaitState(render.Rejected)
	if status.Err == nil || !strings.Contains(status.Err.Error(), complaint) {
		p.t.Errorf("error %v does not have the checker's words %q", status.Err, complaint)
	}
	if now, err := os.ReadFile(p.config); err != nil || string(now) != string(good) {
		p.t.Errorf("the file in place has changed (%v)", err)
	}
	for range 20 {
		if got, err := p.get(); got != "200 two" {
			p.t.Errorf("after the rejection the answer is %q (%v)", got, err)
		}
	}

	// Back to what is in place: right again, and nothing to reload.
	p.append("")
	p.awaitState(render.Applied)
	p.serve("three")
	p.awaitAnswer("200 three")
}

func TestNginxFollows(t *testing.T) {
	startNginx(t).follow(`unknown directive "nonsense"`)
}

// 200 reloads one after the other under load: not one request is lost.
func TestNginxReloadsLoseNothing(t *testing.T) {
	p := startNginx(t)
	p.awaitAnswer("200 one")
	p.reloadUnderLoad(200, func() {})
}

// HAProxy does not notice a signal that comes while it reloads, and forks a
// process each time: fewer reloads, each of which is awaited.
func TestHAProxyReloadsLoseNothing(t *testing.T) {
	p := startHAProxy(t)
	p.awaitAnswer("200 one")
	worker := p.worker()
	p.reloadUnderLoad(25, func() {
		before := worker
		p.await(func() bool { worker = p.worker(); return worker != "" && worker != before }, func() string {
			return "the worker is the same after a reload"
		})
	})
}

// worker is that of a HAProxy which is done with its reloads: its master has noticed
// that the worker before is gone. Until then there is none.
func (p *proxy) worker() (pid string) {
	master, err := os.ReadFile(filepath.Join(p.dir, pidFile))
	if err != nil {
		p.t.Fatal(err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]s/task/%[1]s/children", master))
	if err != nil {
		p.t.Fatal(err)
	}
	if all := strings.Fields(string(children)); len(all) == 1 {
		return all[0]
	}
	return ""
}

// reloadUnderLoad changes the only service's weight so many times, and awaits
// each reload, while clients ask without a pause; half of them keep their
// connections.
func (p *proxy) reloadUnderLoad(times int, reloaded func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	defer cancel()
	var sent atomic.Int64
	var clients sync.WaitGroup
	for i := range 2 {
		clients.Go(func() {
			transport := &http.Transport{DisableKeepAlives: i%2 == 0}
			defer transport.CloseIdleConnections()
			client := http.Client{Timeout: 10 * time.Second, Transport: transport}
			for ctx.Err() == nil {
				sent.Add(1)
				resp, err := client.Get("http://" + p.address + "/x")
				if err != nil {
					p.t.Errorf("a request was lost: %v", err)
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					p.t.Errorf("a request was lost: status %d", resp.StatusCode)
				}
			}
		})
	}
	for i := range times {
		commands := p.renderer.Status()[0].Commands
		p.source.Set(web, []watch.Instance{weighing(p.instance, 2+i%100)})
		p.await(func() bool { return p.renderer.Status()[0].Commands > commands }, func() string {
			return fmt.Sprintf("reload %d: %+v", i, p.renderer.Status()[0])
		})
		reloaded()
	}
	cancel()
	clients.Wait()
	p.t.Logf("%d reloads, %d requests", times, sent.Load())
}

func startNginx(t *testing.T) *proxy {
	t.Helper()
	nginx := parts.Path(t, "nginx")
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "temp"), 0o755); err != nil {
		t.Fatal(err)
	}
	config := including(t, dir, filepath.Join(dir, "nginx.conf"))
	// The candidate is checked as a part of all the rest.
	check := install.Command{fmt.Sprintf(
		"sed \"s|include .*|include $SLUICE_CANDIDATE;|\" %[2]s >%[2]s.check && %[3]s -p %[1]s -e stderr -g 'pid nginx.pid;' -t -q -c %[2]s.check",
		dir, config, nginx,
	)}
	reload := install.Command{fmt.Sprintf(
		"test ! -e %[1]s/pid || %[2]s -p %[1]s -e stderr -g 'pid nginx.pid;' -c %[3]s -s reload", dir, nginx, config,
	)}
	p := newProxy(t, "nginx", dir, check, reload)
	p.start(nginx, "-p", dir, "-e", "stderr", "-g", "pid nginx.pid; daemon off;", "-c", config)
	return p
}

func TestHAProxyFollows(t *testing.T) {
	startHAProxy(t).follow("unknown keyword 'nonsense'")
}

func startHAProxy(t *testing.T) *proxy {
	t.Helper()
	haproxy := parts.Path(t, "haproxy")
	dir := t.TempDir()
	pid := filepath.Join(dir, pidFile)
	p := newProxy(t, "haproxy", dir,
		install.Command{haproxy, "-c", "-f", "{}"},
		install.Command{fmt.Sprintf("test ! -e %s || kill -USR2 $(cat %s)", pid, pid)},
	)
	p.start(haproxy, "-W", "-db", "-f", p.config)
	return p
}

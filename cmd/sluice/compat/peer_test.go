package compat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// peer is a program that sluice stands in for.
type peer struct {
	title string // in the document
	env   string // where its path is
	// ours and theirs are the arguments of both in a world whose files are in the
	// working directory.
	ours, theirs func(ip, consul string) []string
	// What is registered last is routed to backend a for each of these paths of
	// readyHost: by tags, and by keys.
	readyTags []string
	readyKeys map[string]string
	ready     []string
}

const readyHost = "ready.test"

// peers are all of them, by folder below testdata.
var peers = map[string]peer{
	"fabio": {
		title: "Fabio", env: "SLUICE_FABIO",
		ours: func(_, consul string) []string {
			return append([]string{"-fabio", "fabio.properties"}, fabioFlags(consul)...)
		},
		theirs: func(_, consul string) []string {
			return append([]string{"-cfg", "fabio.properties", "-insecure"}, fabioFlags(consul)...)
		},
		readyTags: []string{"urlprefix-" + readyHost + "/tags"},
		readyKeys: map[string]string{"fabio/config/~": "route add ready " + readyHost + "/keys http://{a}/"},
		ready:     []string{"/tags", "/keys"},
	},
	"traefik": {
		title: "Traefik 3", env: "SLUICE_TRAEFIK",
		ours:      settled,
		theirs:    func(string, string) []string { return []string{"--configfile=traefik.yml"} },
		readyTags: []string{"traefik.enable=true", "traefik.http.routers.ready.rule=Host(`" + readyHost + "`)"},
		ready:     []string{"/"},
	},
	// Of 1.7 there is none to ask: what it answers is written by hand.
	"traefik1": {
		title:     "Traefik 1.7",
		ours:      settled,
		readyTags: []string{"traefik.enable=true", "traefik.frontend.rule=Host:" + readyHost},
		ready:     []string{"/"},
	},
}

func settled(ip, consul string) []string {
	return []string{"-config", "sluice.hcl", "-consul-addr", consul, "-admin", ip + ":9998"}
}

func fabioFlags(consul string) []string { return []string{"-registry.consul.addr", consul} }

// sharedFiles are those beside the worlds of a peer: each is given to all of
// them.
func sharedFiles(t *testing.T, world string) (files []txtar.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(filepath.Dir(world), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, ".txtar") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, txtar.File{Name: filepath.Base(path), Data: text})
	}
	return files
}

// running is a program at work.
type running struct {
	asker

	cmd *exec.Cmd
	out *os.File
}

// start starts a program on an address of its own, in a folder with the files
// of the world.
func (s *stage) start(t *testing.T, path string, w *world, args func(ip, consul string) []string) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{asker: asker{
		ip: parts.Loopback(t), consul: s.consul.Addr, clients: s.authority.clients(t), gate: s.gate, collector: s.collector, log: filepath.Join(dir, "log"),
	}}
	for _, f := range slices.Concat(sharedFiles(t, w.path), w.archive.Files) {
		if f.Name == casesFile {
			continue
		}
		text := strings.ReplaceAll(s.addresses(string(f.Data)), "{ip}", r.ip)
		text = strings.ReplaceAll(text, "{consul}", s.consul.Addr)
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(string(txtar.Format(w.archive)), "> PUSHED ") {
		r.receivers, r.flat = startReceivers(t, r.ip), flattened(s.backends)
	}
	s.authority.write(t, dir, r.ip)
	var err error
	if r.out, err = os.Create(r.log); err != nil {
		t.Fatal(err)
	}
	r.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), path, args(r.ip, s.consul.Addr)...)
	r.cmd.Dir = dir
	r.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "SSL_CERT_FILE=" + filepath.Join(dir, "authority.pem"), "OTEL_BSP_SCHEDULE_DELAY=50"}
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r.process = r.cmd.Process
	r.hide(s.backends)
	t.Cleanup(func() { r.stop(t, w.isApart()) })
	return r
}

// stop ends the program. If it is to leave nothing behind, that may take a while.
func (r *running) stop(t *testing.T, clean bool) {
	kill := func() { _ = r.cmd.Process.Kill() }
	if clean {
		_ = r.cmd.Process.Signal(syscall.SIGTERM)
		defer time.AfterFunc(patience, kill).Stop()
	} else {
		kill()
	}
	var killed *exec.ExitError
	if err := r.cmd.Wait(); err != nil && !errors.As(err, &killed) {
		t.Error(err)
	}
	if t.Failed() {
		text, err := os.ReadFile(r.log)
		t.Logf("%s said: %v\n%s", r.cmd.Path, err, text)
	}
	r.out.Close()
}

// await waits until the program routes what was registered last.
func (r *running) await(paths []string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	for _, path := range paths {
		q := &question{times: 1, words: []string{"GET", path}}
		answer := ""
		for !strings.HasPrefix(answer, "200 ") {
			if answer = r.ask(q, readyHost); time.Now().After(deadline) {
				return fmt.Errorf("%s does not route %s%s: %s", r.cmd.Path, readyHost, path, answer)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// hide says what is written for addresses, which differ from run to run.
func (r *running) hide(all backends) {
	pairs := []string{r.ip, "{ip}"}
	var addresses []string
	for name, at := range all {
		addresses = append(addresses, at.String(), "{"+name+"}")
		pairs = append(pairs, at.String(), "{"+name+"}", fmt.Sprint(at.(*net.TCPAddr).Port), "{"+name+" port}")
	}
	pairs = append(pairs, hiddenOf(r.clients[""])...)
	if name, err := os.Hostname(); err == nil {
		pairs = append(pairs, "X-Forwarded-Server: "+name, "X-Forwarded-Server: {hostname}")
	}
	r.hidden, r.addresses = strings.NewReplacer(pairs...), strings.NewReplacer(addresses...)
}

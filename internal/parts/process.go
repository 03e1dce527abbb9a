package parts

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a server of which a test has one running, until its end at most.
type process struct {
	t     testing.TB
	name  string
	path  string
	args  []string
	dir   string      // what it may write to, its home included
	ready func() bool // whether it does its work

	env     []string // more of its environment
	unshare uintptr  // namespaces of its own, as in syscall.SysProcAttr

	log *os.File
	cmd *exec.Cmd // nil while it does not run
}

// newProcess prepares one, which takes its ready and args before it is started.
// If the test fails, what it has printed is shown.
func newProcess(t testing.TB, program string) *process {
	t.Helper()
	p := &process{t: t, name: program, path: Path(t, program), dir: t.TempDir()}
	var err error
	if p.log, err = os.Create(filepath.Join(p.dir, program+".log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			if text, err := os.ReadFile(p.log.Name()); err == nil {
				t.Logf("%s's log:\n%s", program, text)
			}
		}
		p.log.Close()
	})
	return p
}

// write writes a file it is to read, and returns where.
func (p *process) write(name, text string) string {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

// Start starts the program, for the first time or after Kill, and waits until
// it is ready.
func (p *process) Start() {
	p.t.Helper()
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	// Nothing of the environment configures it, and nothing is left at home.
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + p.dir}, p.env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Unshareflags: p.unshare}
	if err := p.cmd.Start(); err != nil {
		p.cmd = nil
		p.t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for time.Now().Before(deadline) {
		if p.ready() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("%s has not become ready", p.name)
}

// Kill ends the program at once, as a crash would.
func (p *process) Kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says that it was killed
	p.cmd = nil
}

// request sends a request, with headers as pairs of name and value, and returns
// the body; an answer that is no success fails the test.
func (p *process) request(method, url, body string, headers ...string) string {
	p.t.Helper()
	status, text, err := exchange(method, url, body, headers...)
	if err != nil {
		p.t.Fatal(err)
	}
	if status != http.StatusOK && status != http.StatusNoContent {
		p.t.Fatalf("%s %s: %d: %s", method, url, status, text)
	}
	return text
}

func exchange(method, url, body string, headers ...string) (status int, text string, err error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Timeout: 30 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(data), err
}

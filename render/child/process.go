package child

import (
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
)

// process is one run of the program.
type process struct {
	cmd   *exec.Cmd
	group bool          // signals go to its whole process group
	ended chan struct{} // closed when it has ended
}

func start(o Options) (*process, error) {
	argv := argv(o.Command)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = o.Env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Stdin, o.Stdout, o.Stderr
	cmd.WaitDelay = time.Second // for those that hold our pipes open after its end
	p := &process{cmd: cmd, group: o.Command.IsShell(), ended: make(chan struct{})}
	// The shell does not pass signals on; a program that is executed directly
	// stays in our group, and so in the foreground of a terminal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: p.group}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // what it says is in ProcessState
	}()
	return p, nil
}

// argv is the command's, but that a shell which has nothing else to do makes
// room for the program: most signals would end the shell and leave the program
// behind.
func argv(c install.Command) []string {
	argv := c.Argv()
	if c.IsShell() && isSingle(c[0]) {
		argv[2] = "exec " + c[0]
	}
	return argv
}

// isSingle reports whether a line for the shell runs one program and no more.
func isSingle(line string) bool {
	if strings.ContainsAny(line, ";&|<>()\n") {
		return false
	}
	_, err := exec.LookPath(strings.Fields(line)[0]) // and not a word of the shell's
	return err == nil
}

// signal sends s; that it is too late for that does not matter.
func (p *process) signal(s syscall.Signal) {
	if p.group {
		_ = syscall.Kill(-p.cmd.Process.Pid, s)
		return
	}
	_ = p.cmd.Process.Signal(s)
}

// status is the exit status of an ended process.
func (p *process) status() int {
	if code := p.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return 255
}

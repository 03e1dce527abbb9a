package child

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
)

// Options say which program to run and how it is told things.
type Options struct {
	Command install.Command
	// Env is the program's whole environment; nil is that of this process.
	Env []string
	// KillSignal asks it to end, SIGKILL follows when KillTimeout is over.
	KillSignal  syscall.Signal
	KillTimeout time.Duration
	// ReloadSignal tells it of a change. With none, it is ended and started anew.
	ReloadSignal syscall.Signal
	// Splay delays that by a random time up to this, so that not all machines do
	// it at once.
	Splay time.Duration
	// Stdin, Stdout and Stderr are its streams. Files are handed to it as they
	// are.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Child is a supervised program.
type Child struct {
	options Options
	reload  chan struct{}
	signals chan syscall.Signal
	running atomic.Bool
}

// New makes a Child, which is started by Run.
func New(o Options) *Child {
	return &Child{options: o, reload: make(chan struct{}, 1), signals: make(chan syscall.Signal, 16)}
}

// Run starts the program and returns its exit status when it has ended, by
// itself or because ctx has. A status of 255 means that a signal ended it. The
// error is why it could not be started. It may be called once.
func (c *Child) Run(ctx context.Context) (status int, err error) {
	for {
		p, err := start(c.options)
		if err != nil {
			return 0, fmt.Errorf("starting %q: %w", c.options.Command, err)
		}
		c.running.Store(true)
		again := c.attend(ctx, p)
		c.running.Store(false)
		if !again {
			return p.status(), nil
		}
	}
}

// Reload tells the program, after the splay, that something has changed. What
// happens before it was started is nothing to tell.
func (c *Child) Reload() {
	if !c.running.Load() {
		return
	}
	select {
	case c.reload <- struct{}{}:
	default: // one is waiting already
	}
}

// Signal passes a signal on and reports whether there is a program to take it.
// The reload signal is like Reload, the kill signal the end of the program.
func (c *Child) Signal(s syscall.Signal) bool {
	if !c.running.Load() {
		return false
	}
	select {
	case c.signals <- s:
	default: // nobody can need sixteen of them
	}
	return true
}

// attend stays with the running program until its end, and reports whether it
// is to be started again.
func (c *Child) attend(ctx context.Context, p *process) (again bool) {
	var splay <-chan time.Time
	for {
		select {
		case <-p.ended:
			return false
		case <-ctx.Done():
			c.stop(p)
			return false
		case <-c.reload:
			splay = c.splay(splay)
		case s := <-c.signals:
			switch s {
			case c.options.KillSignal:
				c.stop(p)
				return false
			case c.options.ReloadSignal:
				splay = c.splay(splay)
			default:
				p.signal(s)
			}
		case <-splay:
			splay = nil
			if c.options.ReloadSignal == 0 {
				c.stop(p)
				return ctx.Err() == nil
			}
			p.signal(c.options.ReloadSignal)
		}
	}
}

// splay is a timer for the next reload, the one that runs if there is one.
func (c *Child) splay(running <-chan time.Time) <-chan time.Time {
	if running != nil {
		return running
	}
	return time.After(RandomPart(c.options.Splay))
}

// stop ends the program, gently at first.
func (c *Child) stop(p *process) {
	p.signal(c.options.KillSignal)
	timer := time.NewTimer(c.options.KillTimeout)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

// RandomPart is a random part of d.
func RandomPart(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d)
}

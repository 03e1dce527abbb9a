package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/internal/exit"
	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/render/child"
)

// signals are those the daemon reacts to. The kill signal ends it in good order,
// a second one at once; the reload signal makes it read its configuration again.
// All others are passed on to the program it supervises; while there is none,
// SIGTERM is a kill signal too, and the rest is ignored. SIGUSR1 has the file of
// the access log opened again besides.
type signals struct {
	arrived chan os.Signal
	reload  chan struct{} // one slot
	roles   atomic.Pointer[signalRoles]
	// accessLog is opened again on SIGUSR1, whatever else that means.
	accessLog atomic.Pointer[accesslog.Log]
	// killed is set when the kill signal ended it.
	killed atomic.Bool
}

// signalRoles is what signals mean in one configuration.
type signalRoles struct {
	kill, reload syscall.Signal
	child        *child.Child // nil without one
}

// passedOn are the signals that may be sent to sluice for the sake of the
// program it supervises.
var passedOn = []os.Signal{
	syscall.SIGABRT, syscall.SIGALRM, syscall.SIGBUS, syscall.SIGCONT, syscall.SIGFPE, syscall.SIGHUP, syscall.SIGILL, syscall.SIGINT,
	syscall.SIGIO, syscall.SIGPROF, syscall.SIGQUIT, syscall.SIGSEGV, syscall.SIGSYS, syscall.SIGTERM, syscall.SIGTRAP, syscall.SIGTSTP,
	syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGXCPU, syscall.SIGXFSZ,
}

// ignored are those of them that must not end sluice when there is no such
// program. Ctrl-Z and the stack dump of SIGQUIT work then. A closed pipe
// (SIGPIPE) is never anything but a failed write of our own.
var ignored = []os.Signal{
	syscall.SIGALRM, syscall.SIGHUP, syscall.SIGIO, syscall.SIGPIPE, syscall.SIGPROF, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
	syscall.SIGINT, syscall.SIGTERM,
}

func newSignals() *signals {
	return &signals{arrived: make(chan os.Signal, 16), reload: make(chan struct{}, 1)}
}

// configure makes signals mean what a configuration says.
func (s *signals) configure(c config.Config, program *child.Child) {
	s.roles.Store(&signalRoles{kill: syscall.Signal(c.KillSignal), reload: syscall.Signal(c.ReloadSignal), child: program})
	signal.Notify(s.arrived, ignored...)
	if program != nil {
		signal.Notify(s.arrived, passedOn...)
	}
	for _, own := range []config.Signal{c.KillSignal, c.ReloadSignal} {
		if own != 0 {
			signal.Notify(s.arrived, syscall.Signal(own))
		}
	}
}

// stoppedError is the cause of an end that a signal asked for.
type stoppedError struct{ signal syscall.Signal }

func (e *stoppedError) Error() string { return fmt.Sprintf("stopped by %v", config.Signal(e.signal)) }

// context returns one that ends with the first signal that ends the program.
// Its stop function must be called.
func (s *signals) context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	quit := make(chan struct{})
	go func() {
		for {
			select {
			case arrived := <-s.arrived:
				s.handle(ctx, arrived.(syscall.Signal), cancel)
			case <-quit:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(s.arrived)
		close(quit)
		cancel(nil)
	}
}

func (s *signals) handle(ctx context.Context, arrived syscall.Signal, cancel context.CancelCauseFunc) {
	roles := s.roles.Load()
	if log := s.accessLog.Load(); log != nil && arrived == syscall.SIGUSR1 {
		log.Reopen()
	}
	switch {
	case arrived == syscall.SIGPIPE:
	case arrived == roles.kill:
		s.killed.CompareAndSwap(false, ctx.Err() == nil)
		s.end(ctx, arrived, cancel)
	case arrived == roles.reload:
		select {
		case s.reload <- struct{}{}:
		default: // one is waiting already
		}
	case roles.child != nil && roles.child.Signal(arrived):
	case arrived == syscall.SIGTERM:
		s.end(ctx, arrived, cancel)
	}
}

// end ends the program: in good order at first, at the second time at once. The
// supervised program is never left behind.
func (s *signals) end(ctx context.Context, arrived syscall.Signal, cancel context.CancelCauseFunc) {
	if ctx.Err() != nil && s.roles.Load().child == nil {
		os.Exit(exit.Runner)
	}
	cancel(&stoppedError{arrived})
}

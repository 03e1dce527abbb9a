package main

import (
	"context"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// signals are those the daemon reacts to: the kill signal and SIGTERM end it in
// good order, a second one at once; the reload signal is passed on.
type signals struct {
	kill   syscall.Signal
	ends   chan os.Signal
	reload chan os.Signal
	// killed is set when the kill signal was the first to arrive.
	killed atomic.Bool
}

func newSignals(c Config) *signals {
	s := &signals{
		kill:   syscall.Signal(c.KillSignal),
		ends:   make(chan os.Signal, 2),
		reload: make(chan os.Signal, 1),
	}
	signal.Notify(s.ends, syscall.SIGTERM)
	if s.kill != 0 {
		signal.Notify(s.ends, s.kill)
	}
	if c.ReloadSignal != 0 {
		signal.Notify(s.reload, syscall.Signal(c.ReloadSignal))
	}
	return s
}

func (s *signals) stop() {
	signal.Stop(s.ends)
	signal.Stop(s.reload)
}

// context returns one that ends with the first signal that ends the program.
// Its stop function must be called.
func (s *signals) context(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	quit := make(chan struct{})
	go func() {
		select {
		case sig := <-s.ends:
			s.killed.Store(sig == s.kill)
			cancel()
		case <-quit:
			return
		}
		select {
		case <-s.ends:
			os.Exit(exitRunner)
		case <-quit:
		}
	}()
	return ctx, func() {
		close(quit)
		cancel()
	}
}

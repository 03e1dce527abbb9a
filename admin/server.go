package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// Nothing here is large or slow; a client that is, is no help to anyone.
const (
	maxConnections    = 64
	maxHeaderBytes    = 16 << 10
	readTimeout       = 10 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = time.Minute
	shutdownTimeout   = 5 * time.Second
	readHeaderTimeout = 5 * time.Second
)

// Server is the administration listener.
type Server struct {
	log      *slog.Logger
	listener net.Listener
	tls      *tls.Config // nil: none
	http     *http.Server
}

// New opens the listener, so that an address that cannot be had is an error at
// start. The caller must call Run, which closes it.
func New(o Options) (*Server, error) {
	log := o.Logger
	if log == nil {
		log = slog.Default()
	}
	listener, err := listen(o.Listen)
	if err != nil {
		return nil, fmt.Errorf("opening the admin listener %s: %w", o.Listen, err)
	}
	if !isPrivate(listener.Addr()) {
		log.Warn("admin listener can be reached from other machines, and has no password",
			"address", listener.Addr().String(),
			"hint", "a loopback address or a unix socket keeps it to this machine")
	}
	s := &Server{log: log, listener: listener, tls: o.TLS}
	s.http = &http.Server{
		Handler:           guard(newHandler(o, log), newHostCheck(o, listener)),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, and returns when all requests have ended or were
// cut off, after five seconds at most. It returns nil then.
func (s *Server) Run(ctx context.Context) error {
	s.log.Info("admin listener open", "address", s.Addr().String())
	served := make(chan error, 1)
	listener := netutil.LimitListener(s.listener, maxConnections)
	if s.tls != nil {
		listener = tls.NewListener(listener, s.tls)
	}
	go func() { served <- s.http.Serve(listener) }()

	select {
	case err := <-served:
		return fmt.Errorf("serving on the admin listener %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	// A new context: the one that ended would cut requests off at once.
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := s.http.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("admin requests cut off", "address", s.Addr().String())
		err = s.http.Close()
	}
	_ = <-served // that it was closed
	return err
}

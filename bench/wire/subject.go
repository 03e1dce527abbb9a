package main

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
)

// subject is a proxy to measure.
type subject struct {
	name string
	path string
	// prepare writes the subject's files into the plan's folder and returns its
	// command line.
	prepare func(p plan) ([]string, error)
	// logsToStdout: its access log is what it prints.
	logsToStdout bool
}

// plan is what a subject is configured for. Route i of routes is the path
// prefix of routeName(i), and all of them lead to upstream unchanged.
type plan struct {
	dir         string // the subject's own
	http, https netip.AddrPort
	admin       netip.AddrPort // for those that need one
	upstream    netip.AddrPort
	cert, key   string // PEM files; key's content is in pair too
	pair        string
	routes      int
	workers     int
	log         bool
}

func routeName(i int) string { return fmt.Sprintf("svc-%06d", i) }

// route is the path prefix that is asked for: one in the middle.
func (p plan) route() string { return "/" + routeName(p.routes/2) }

// file writes one of the subject's files and returns its path.
func (p plan) file(name, content string) (string, error) {
	path := filepath.Join(p.dir, name)
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// accessLog is where the access log goes.
func (p plan) accessLog() string { return filepath.Join(p.dir, "access.log") }

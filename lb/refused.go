package lb

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// refused takes note of a request that was answered before it became an
// exchange, for it is no proper one.
func (s *Server) refused(e *entry, r *h1.Refused) {
	// Of the head only the first line is looked at: what is behind may be secret.
	line := r.Line
	if end := bytes.IndexAny(line, "\r\n"); end >= 0 {
		line = line[:end]
	}
	x := &Exchange{Remote: r.Remote, Local: r.Bound, Scheme: e.listener.Proto, entry: e}
	x.line = string(line)
	x.Outcome = Outcome{Status: r.Refusal.Status, Err: r.Refusal}
	e.countRefused(r.Refusal.Reason)
	s.metrics.observe(x, 0)
	s.beginRecord(x, time.Now())
	s.endRecord(x, 0)
	s.logRefused(r.Refusal.Status, r.Refusal.Reason, r.Remote, x.line, r.Refusal)
}

// logRefused tells of a request that was refused. If there is an access log, that
// has it already; else the operator is told now and then.
func (s *Server) logRefused(status int, reason string, remote netip.AddrPort, line string, err error) {
	attrs := []any{"status", status, "reason", reason, "remote", remote.String(), "line", fmt.Sprintf("%q", line), "err", err}
	level := slog.LevelDebug
	if s.options.AccessLog == nil {
		if silent, due := s.failures.due(failureKind{"refused: " + reason, status}); due {
			level = slog.LevelInfo
			if silent > 0 {
				attrs = append(attrs, "more_like_this", silent)
			}
		}
	}
	s.log.Log(context.Background(), level, "request refused", attrs...)
}

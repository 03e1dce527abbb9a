package lb

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// failureLog tells of exchanges that failed by no fault of the client: of each
// route and status at once, and then no more than one in failurePause, with the
// number of those it has passed over. A service that is down must not fill the
// disk. The zero value is ready to use.
type failureLog struct {
	mu    sync.Mutex
	kinds map[failureKind]*failureCount
}

type failureKind struct {
	route  string
	status int
}

type failureCount struct {
	next   time.Time
	silent int
}

const (
	failurePause = 10 * time.Second
	// Failures of more kinds than this share one.
	maxFailureKinds = 1000
)

// due reports whether a failure is to be logged, and how many like it were not
// since the last one.
func (l *failureLog) due(kind failureKind) (silent int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.kinds[kind]
	if c == nil {
		if len(l.kinds) >= maxFailureKinds {
			l.forget()
		}
		if l.kinds == nil {
			l.kinds = make(map[failureKind]*failureCount)
		}
		c = &failureCount{}
		l.kinds[kind] = c
	}
	now := time.Now()
	if now.Before(c.next) {
		c.silent++
		return 0, false
	}
	silent, c.silent, c.next = c.silent, 0, now.Add(failurePause)
	return silent, true
}

// forget makes room by dropping what may be logged again anyway, or else
// everything.
func (l *failureLog) forget() {
	now := time.Now()
	for kind, c := range l.kinds {
		if now.After(c.next) {
			delete(l.kinds, kind)
		}
	}
	if len(l.kinds) >= maxFailureKinds {
		clear(l.kinds)
	}
}

// logFailure tells of what an operator might look for. What clients do wrong is
// no more than debugging matter.
func (s *Server) logFailure(x *Exchange) {
	if x.Outcome.Err == nil {
		return
	}
	kind := failureKind{status: x.Outcome.Status}
	if x.Route != nil {
		kind.route = x.Route.Name
	}
	attrs := []any{
		"status", kind.status, "method", x.Request.Method, "host", x.Request.Host, "path", x.Request.Path,
		"route", kind.route, "tries", x.Outcome.Tries, "err", x.Outcome.Err,
	}
	level := slog.LevelDebug
	if kind.status >= http.StatusInternalServerError || x.Outcome.Truncated {
		if silent, due := s.failures.due(kind); due {
			level = slog.LevelWarn
			if silent > 0 {
				attrs = append(attrs, "more_like_this", silent)
			}
		}
	}
	s.log.Log(context.Background(), level, "request failed", attrs...)
}

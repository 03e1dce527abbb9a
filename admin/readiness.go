package admin

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Readiness is the answer of /readyz.
type Readiness struct {
	// Ready is whether routes and files can be relied on. Old data is no reason
	// to say no: sent elsewhere, requests would find a sluice that is no better
	// off.
	Ready bool
	// Draining is set once the program was told to end; it is not ready then.
	Draining bool
	// Stale is the age of the oldest data that cannot be confirmed at the
	// moment; 0 is none. StaleReason tells which data and why.
	Stale       time.Duration
	StaleReason string
	// Reasons are what readiness waits for.
	Reasons []string
}

// Status is "ready", "draining" or "not ready".
func (r Readiness) Status() string {
	switch {
	case r.Draining:
		return "draining"
	case r.Ready:
		return "ready"
	}
	return "not ready"
}

// code is 200 if requests should be sent here.
func (r Readiness) code() int {
	if r.Ready && !r.Draining {
		return http.StatusOK
	}
	return http.StatusServiceUnavailable
}

// text is the status and, each in a line of its own, what else there is.
func (r Readiness) text() string {
	lines := []string{r.Status()}
	if r.Stale > 0 {
		lines = append(lines, fmt.Sprintf("stale for %v: %s", age(r.Stale), r.StaleReason))
	}
	lines = append(lines, r.Reasons...)
	return strings.Join(lines, "\n") + "\n"
}

// readinessJSON is the form of Readiness for programs.
type readinessJSON struct {
	Status       string   `json:"status"`
	Ready        bool     `json:"ready"`
	Draining     bool     `json:"draining"`
	StaleSeconds float64  `json:"stale_seconds"`
	StaleReason  string   `json:"stale_reason,omitempty"`
	Reasons      []string `json:"reasons"`
}

func (r Readiness) json() readinessJSON {
	return readinessJSON{
		Status:       r.Status(),
		Ready:        r.code() == http.StatusOK,
		Draining:     r.Draining,
		StaleSeconds: r.Stale.Seconds(),
		StaleReason:  r.StaleReason,
		Reasons:      append([]string{}, r.Reasons...), // never null
	}
}

// age drops the digits nobody needs.
func age(d time.Duration) time.Duration {
	if d < time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(time.Second)
}

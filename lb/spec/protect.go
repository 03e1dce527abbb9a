package spec

import (
	"errors"
	"fmt"
	"time"
)

// Hash is what is sent to one server: all requests of one value. A request
// without a value goes by the client's address.
type Hash struct {
	// By is address (also empty), header, cookie, query (a parameter of it), path,
	// or uri (path and query).
	By string `key:"by"`
	// Name is that of the header, cookie or parameter.
	Name string `key:"name"`
	// MaxLoad bounds what one server is given, in percent of its part of all
	// requests in flight: from 101 on; 0 is no bound. Requests beyond go to another
	// one.
	MaxLoad int `key:"maxload"`
}

func (h *Hash) validate(strategy string) error {
	named := h.By == "header" || h.By == "cookie" || h.By == "query"
	switch {
	case strategy != "" && strategy != "hash" && strategy != "hrw":
		return fmt.Errorf("strategy %s does not hash", strategy)
	case !named && h.By != "" && h.By != "address" && h.By != "path" && h.By != "uri":
		return fmt.Errorf("hash.by is address, header, cookie, query, path or uri, not %q", h.By)
	case named && h.Name == "":
		return fmt.Errorf("hash.by=%s needs hash.name", h.By)
	case h.MaxLoad != 0 && h.MaxLoad <= 100:
		return fmt.Errorf("hash.maxload is above 100 percent, not %d", h.MaxLoad)
	}
	return nil
}

// Outlier passes over servers that fail several times in a row, for longer each
// time: that do not answer, or by one of Statuses.
type Outlier struct {
	Off      bool          `key:"off"`
	Failures int           `key:"failures"` // 0: 3
	Time     time.Duration `key:"time"`     // the first time; 0: 5 s
	MaxTime  time.Duration `key:"maxtime"`  // 0: 60 s
	// Share is how many of the servers may be passed over at a time, in percent.
	Share int `key:"share"` // 0: 50
	// Statuses: none (also empty), gateway (502 to 504), 5xx.
	Statuses string `key:"statuses"`
}

func (o *Outlier) validate() error {
	switch {
	case o.Failures < 0 || o.Time < 0 || o.MaxTime < 0:
		return errors.New("failures, time and maxtime of outlier cannot be negative")
	case o.Share < 0 || o.Share > 100:
		return fmt.Errorf("outlier.share is from 0 to 100 percent, not %d", o.Share)
	}
	switch o.Statuses {
	case "", "none", "gateway", "5xx":
		return nil
	}
	return fmt.Errorf("outlier.statuses is none, gateway or 5xx, not %q", o.Statuses)
}

// Retries have a request that failed tried again by another server: one of which
// nothing was sent, or that may be repeated (RFC 9110 §9.2.2) and got no answer.
// The latter, and those of the middleware, are limited to Percent of the
// requests of the last ten seconds and PerSecond besides, lest a pool in trouble
// gets more of it.
type Retries struct {
	Attempts  int `key:"attempts"`  // all tries, the first one too; 0: 3, 1: none
	Percent   int `key:"percent"`   // 0: 20
	PerSecond int `key:"persecond"` // 0: 10
}

func (r *Retries) validate() error {
	switch {
	case r.Attempts < 0 || r.Attempts > MaxAttempts:
		return fmt.Errorf("retries.attempts is from 1 to %d, not %d", MaxAttempts, r.Attempts)
	case r.Percent < 0 || r.PerSecond < 0:
		return errors.New("percent and persecond of retries cannot be negative")
	}
	return nil
}

// MaxAttempts bounds the tries of [Retries].
const MaxAttempts = 8

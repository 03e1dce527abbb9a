package spec

import (
	"errors"
	"time"
)

// Retry has requests tried again, on another target if there is one.
type Retry struct {
	// Attempts counts all tries, the first one too.
	Attempts        int           `key:"attempts"`
	InitialInterval time.Duration `key:"initialinterval"` // 0: no pause
	Timeout         time.Duration `key:"timeout"`         // of all tries, 0: none
	// Status are the statuses, such as 502 or 500-504, that are tried again.
	Status                    []string `key:"status"`
	MaxRequestBody            int64    `key:"maxrequestbodybytes"` // 0: 2 MiB
	DisableOnNetworkError     bool     `key:"disableretryonnetworkerror"`
	RetryNonIdempotentMethods bool     `key:"retrynonidempotentmethod"`
}

// Kind implements [Middleware].
func (*Retry) Kind() string { return "retry" }

// Validate implements [Middleware].
func (r *Retry) Validate() error {
	if r.Attempts <= 0 {
		return errors.New("attempts must be above 0")
	}
	return nil
}

// CircuitBreaker answers by itself for a while when Expression holds.
type CircuitBreaker struct {
	Expression       string        `key:"expression"`
	CheckPeriod      time.Duration `key:"checkperiod"`      // 0: 100 ms
	FallbackDuration time.Duration `key:"fallbackduration"` // 0: 10 s
	RecoveryDuration time.Duration `key:"recoveryduration"` // 0: 10 s
	ResponseCode     int           `key:"responsecode"`     // 0: 503
}

// Kind implements [Middleware].
func (*CircuitBreaker) Kind() string { return "circuitbreaker" }

// Validate implements [Middleware].
func (c *CircuitBreaker) Validate() error {
	if c.Expression == "" {
		return errors.New("the circuit breaker has no expression")
	}
	return checkAnswer("responsecode", c.ResponseCode)
}

// Errors replaces answers of some statuses by pages of another service.
type Errors struct {
	// Status are statuses and ranges: "404", "500-599".
	Status  []string `key:"status"`
	Service string   `key:"service"`
	// Query is the path and query asked for, with {status}, {originalStatus} and
	// {url}.
	Query string `key:"query"`
	// StatusRewrites are statuses or ranges and what to answer in their place.
	StatusRewrites map[string]string `key:"statusrewrites"`
	// RequestHeaders are those passed to the service; empty is all.
	RequestHeaders []string `key:"errorrequestheaders"`
}

// Kind implements [Middleware].
func (*Errors) Kind() string { return "errors" }

// Validate implements [Middleware].
func (e *Errors) Validate() error {
	if len(e.Status) == 0 || e.Service == "" {
		return errors.New("status and service are both needed")
	}
	_, err := ParseStatuses(e.Status)
	return err
}

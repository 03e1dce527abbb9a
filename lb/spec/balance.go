package spec

import (
	"errors"
	"fmt"
	"time"
)

// LoadBalancer is how requests are spread over a pool.
type LoadBalancer struct {
	// Strategy: wrr (also empty) takes turns by weight, random any of the turns, p2c
	// the less busy of two, leastconn the least busy, leasttime the fastest, hrw
	// the same for the same client.
	Strategy string              `key:"strategy"`
	Sticky   *Sticky             `key:"sticky"`
	Health   *HealthCheck        `key:"healthcheck"`
	Passive  *PassiveHealthCheck `key:"passivehealthcheck"`
}

// Strategies are those of [LoadBalancer].
var strategies = []string{"", "wrr", "random", "p2c", "leastconn", "leasttime", "hrw"}

// Validate reports everything that keeps the load balancer from being built.
func (b *LoadBalancer) Validate() error {
	var errs []error
	known := false
	for _, s := range strategies {
		known = known || s == b.Strategy
	}
	if !known {
		errs = append(errs, fmt.Errorf("there is no strategy %q (wrr, random, p2c, leastconn, leasttime, hrw)", b.Strategy))
	}
	if b.Sticky != nil && b.Sticky.Cookie != nil {
		errs = append(errs, b.Sticky.Cookie.validate())
	}
	if b.Health != nil {
		errs = append(errs, b.Health.validate())
	}
	return errors.Join(errs...)
}

// Sticky has a client's requests go where its first one went.
type Sticky struct {
	Cookie *Cookie `key:"cookie"`
}

// Cookie is the cookie that tells where that was (RFC 6265).
type Cookie struct {
	Name     string `key:"name"` // empty: made of the service's name
	Secure   bool   `key:"secure"`
	HTTPOnly bool   `key:"httponly"`
	SameSite string `key:"samesite"` // none, lax, strict, or empty
	MaxAge   int    `key:"maxage"`   // seconds; 0 is the browser's session
	Path     string `key:"path"`     // empty: /
	Domain   string `key:"domain"`
}

func (c *Cookie) validate() error {
	switch c.SameSite {
	case "", "none", "lax", "strict":
	default:
		return fmt.Errorf("samesite is none, lax or strict, not %q", c.SameSite)
	}
	for _, text := range []string{c.Path, c.Domain} {
		for i := range len(text) {
			if text[i] <= ' ' || text[i] >= 0x7f || text[i] == ';' || text[i] == ',' {
				return fmt.Errorf("%q cannot be part of a cookie", text)
			}
		}
	}
	return nil
}

// HealthCheck asks each server from time to time whether it is well. What fails
// once gets no more requests until it does not.
type HealthCheck struct {
	Path              string            `key:"path"`
	Mode              string            `key:"mode"`   // http, or empty
	Scheme            string            `key:"scheme"` // empty: the server's
	Method            string            `key:"method"` // empty: GET
	Status            int               `key:"status"` // 0: 200 to 399
	Port              int               `key:"port"`   // 0: the server's
	Interval          time.Duration     `key:"interval"`
	UnhealthyInterval time.Duration     `key:"unhealthyinterval"` // 0: as Interval
	Timeout           time.Duration     `key:"timeout"`
	Hostname          string            `key:"hostname"`
	FollowRedirects   bool              `key:"followredirects"`
	Headers           map[string]string `key:"headers"`
}

// DefaultHealthCheck has the values of what is not said.
func DefaultHealthCheck() *HealthCheck {
	return &HealthCheck{Interval: 30 * time.Second, Timeout: 5 * time.Second, FollowRedirects: true}
}

// minInterval keeps a check from being a load of its own.
const minInterval = 100 * time.Millisecond

func (h *HealthCheck) validate() error {
	switch {
	case h.Mode != "" && h.Mode != "http":
		return fmt.Errorf("health checks of mode %s are not supported", h.Mode)
	case h.Path == "" || h.Path[0] != '/':
		return errors.New("the path of a health check starts with a slash")
	case h.Interval < minInterval || h.UnhealthyInterval != 0 && h.UnhealthyInterval < minInterval || h.Timeout <= 0:
		return fmt.Errorf("the interval of a health check must be %v or more, its timeout above 0", minInterval)
	case h.Port < 0 || h.Port > 65535:
		return fmt.Errorf("%d is no port", h.Port)
	}
	return nil
}

// PassiveHealthCheck passes over a server for FailureWindow after so many failed
// requests within it.
type PassiveHealthCheck struct {
	FailureWindow     time.Duration `key:"failurewindow"`     // 0: 10 s
	MaxFailedAttempts int           `key:"maxfailedattempts"` // 0: 1
}

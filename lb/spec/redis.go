package spec

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Redis is where the buckets of a rate limit are kept that several load balancers
// share. Its text is never shown: it has a password.
type Redis struct {
	// Endpoints are host:port; several are those of a cluster. Empty is
	// localhost:6379.
	Endpoints []string   `key:"endpoints"`
	TLS       *ClientTLS `key:"tls"`
	Username  string     `key:"username"`
	Password  string     `key:"password" json:"-"`
	DB        int        `key:"db"`
	// Connections: PoolSize is how many there are, and MaxActiveConns how many there
	// may be at most; 0 is 16. MinIdleConns are kept open.
	PoolSize       int `key:"poolsize"`
	MinIdleConns   int `key:"minidleconns"`
	MaxActiveConns int `key:"maxactiveconns"`
	// ReadTimeout bounds how long a request waits for Redis in all; 0 is 250 ms, and
	// more than [MaxRedisWait] is that. The others bound parts of it.
	ReadTimeout  time.Duration `key:"readtimeout"`
	WriteTimeout time.Duration `key:"writetimeout"`
	DialTimeout  time.Duration `key:"dialtimeout"`
}

// MaxRedisWait is the longest a request may wait for Redis, whatever a tag says.
const MaxRedisWait = 3 * time.Second

// Wait is how long a request waits for Redis.
func (r *Redis) Wait() time.Duration {
	if r.ReadTimeout <= 0 {
		return 250 * time.Millisecond
	}
	return min(r.ReadTimeout, MaxRedisWait)
}

// Bounds on the connections to one Redis.
const (
	DefaultRedisConns = 16
	MaxRedisConns     = 256
)

func (r *Redis) validate() error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, e := range r.Endpoints {
		switch _, port, err := net.SplitHostPort(e); {
		case strings.ContainsAny(e, "@/?"): // it is not to be repeated
			errs = append(errs, errors.New("redis.endpoints: they are of the form host:port; user, password and database have options of their own"))
		case err != nil || port == "":
			errs = append(errs, fmt.Errorf("redis.endpoints: %q is not of the form host:port", e))
		}
	}
	for _, n := range []int{r.PoolSize, r.MinIdleConns, r.MaxActiveConns} {
		if n < 0 || n > MaxRedisConns {
			errs = append(errs, fmt.Errorf("poolsize, minidleconns and maxactiveconns of redis are from 0 to %d, not %d", MaxRedisConns, n))
			break
		}
	}
	if r.DB < 0 || r.DB > 0 && len(r.Endpoints) > 1 {
		errs = append(errs, errors.New("redis.db is not below 0, and 0 in a cluster"))
	}
	return errors.Join(errs...)
}

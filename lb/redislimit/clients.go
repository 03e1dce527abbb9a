package redislimit

import (
	"context"
	"crypto/tls"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/sluiceproxy/sluice/lb/middleware"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// Clients has one client for each Redis, whatever number of limits use it. The
// zero value is ready to use.
type Clients struct {
	mu   sync.Mutex
	open []entry
}

// entry does not keep its client alive: limits come and go without telling.
type entry struct {
	spec   *spec.Redis
	client weak.Pointer[client]
}

// client is one Redis. Its connections are closed when nobody has it any more.
type client struct{ redis.UniversalClient }

// Open implements [middleware.OpenBuckets].
func (c *Clients) Open(s *spec.Redis, secured *tls.Config) (middleware.Buckets, error) {
	silence()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = slices.DeleteFunc(c.open, func(e entry) bool { return e.client.Value() == nil })
	for _, e := range c.open {
		if known := e.client.Value(); known != nil && reflect.DeepEqual(e.spec, s) {
			return known, nil
		}
	}
	made := &client{redis.NewUniversalClient(options(s, secured))}
	runtime.AddCleanup(made, func(r redis.UniversalClient) { _ = r.Close() }, made.UniversalClient)
	c.open = append(c.open, entry{s, weak.Make(made)})
	return made, nil
}

// options are those of the client. There is no second try: whoever asks has a
// request that waits.
func options(s *spec.Redis, secured *tls.Config) *redis.UniversalOptions {
	o := &redis.UniversalOptions{
		Addrs: s.Endpoints, Username: s.Username, Password: s.Password, DB: s.DB, TLSConfig: secured,
		PoolSize: s.PoolSize, MinIdleConns: s.MinIdleConns, MaxActiveConns: s.MaxActiveConns,
		ReadTimeout: s.Wait(), PoolTimeout: s.Wait(),
		WriteTimeout: within(s.Wait(), s.WriteTimeout), DialTimeout: within(s.Wait(), s.DialTimeout),
		ContextTimeoutEnabled: true, MaxRetries: -1, DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if len(o.Addrs) == 0 {
		o.Addrs = []string{"localhost:6379"}
	}
	if o.PoolSize == 0 {
		o.PoolSize = spec.DefaultRedisConns
	}
	if o.MaxActiveConns == 0 {
		o.MaxActiveConns = max(o.PoolSize, o.MinIdleConns)
	}
	return o
}

// within is the time for a part of what may take the whole, 0 for no other.
func within(whole, part time.Duration) time.Duration {
	if part <= 0 {
		return whole
	}
	return min(part, whole)
}

// take is the token bucket, as the time at which it will be full again if nothing
// is taken (the virtual scheduling of the generic cell rate algorithm): the clock
// is that of Redis, and a bucket that is full needs no entry.
var take = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local wait = math.max(0, full - now - (burst - 1) * interval)
if wait <= longest then
  full = full + interval
  redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000) + 1)
end
return math.ceil(wait)
`)

// Take implements [middleware.Buckets].
func (c *client) Take(ctx context.Context, key string, b middleware.Bucket) (time.Duration, error) {
	micro := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	n, err := take.Run(ctx, c, []string{"sluice:rate:" + key}, micro(b.Interval), b.Burst, micro(b.Longest)).Int64()
	if err != nil {
		return 0, fmt.Errorf("redis does not answer: %w", err)
	}
	return time.Duration(n) * time.Microsecond, nil
}

// silence has the client library write no log of its own: what is wrong is a
// problem of the routes.
var silence = sync.OnceFunc(func() { redis.SetLogger(quiet{}) })

type quiet struct{}

// Printf implements the library's logger.
func (quiet) Printf(context.Context, string, ...any) {}

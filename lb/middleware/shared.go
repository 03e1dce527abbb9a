package middleware

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// Buckets are token buckets that several load balancers share.
type Buckets interface {
	// Take takes a token of the bucket of that key, if it is to be had in time, and
	// tells how long that takes. It must not outlast ctx.
	Take(ctx context.Context, key string, b Bucket) (wait time.Duration, err error)
}

// Bucket is a token bucket.
type Bucket struct {
	Interval time.Duration // between two tokens, above 0
	Burst    int
	Longest  time.Duration // to wait for a token
}

// OpenBuckets returns the buckets that a Redis keeps. It does not connect yet, and
// whoever drops them has nothing to close.
type OpenBuckets func(s *spec.Redis, secured *tls.Config) (Buckets, error)

// sharedLimit counts requests in shared buckets.
type sharedLimit struct {
	buckets Buckets
	name    string // of the limit
	bucket  Bucket
	wait    time.Duration // for an answer
	again   atomic.Int64  // when they may be asked again, in nanoseconds; 0 while they answer
	fault   atomic.Pointer[error]
}

// retryShared is how long buckets that do not answer are left alone: one request
// at a time finds out whether they do.
const retryShared = time.Second

// take is as [Buckets.Take]. It is not ok if there was no answer, or none was asked
// for because there is none at the moment.
func (l *sharedLimit) take(ctx context.Context, of client) (wait time.Duration, ok bool) {
	again, now := l.again.Load(), time.Now().UnixNano()
	if again != 0 && (now < again || !l.again.CompareAndSwap(again, now+int64(retryShared))) {
		return 0, false
	}
	asking, cancel := context.WithTimeout(ctx, l.wait)
	defer cancel()
	wait, err := l.buckets.Take(asking, l.name+":"+of.digest(), l.bucket)
	switch {
	case err == nil:
		if l.fault.Swap(nil) != nil || again != 0 {
			l.again.Store(0)
		}
		return wait, true
	case ctx.Err() == nil: // the client has not left
		l.fault.Store(&err)
		l.again.Store(time.Now().UnixNano() + int64(retryShared))
	}
	return 0, false
}

// digest tells the client from others without saying who it is: what requests are
// told apart by may be a secret.
func (c client) digest() string {
	sum := sha256.Sum256([]byte(c.address.String() + " " + c.text))
	return hex.EncodeToString(sum[:16])
}

package acme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// How long is waited after a failure, twice as long after each further one. Who
// was not reached is asked again soon. Who refuses counts: Let's Encrypt takes 5
// failures for a name at once and then one every 12 minutes.
const (
	minUnreached, maxUnreached = 5 * time.Second, 10 * time.Minute
	minRefused, maxRefused     = time.Minute, 6 * time.Hour
)

// pause is how long to wait after so many failures.
func pause(failures int, least, most time.Duration) time.Duration {
	d := least
	for range failures - 1 {
		if d *= 2; d >= most {
			return most
		}
	}
	return d
}

// jittered is up to a tenth longer, so that those who share do not come at once.
func jittered(d time.Duration) time.Duration { return d + rand.N(d/10+1) }

// refusal is what the storage has of an authority that would not issue a
// certificate, for all who share it.
type refusal struct {
	Failures int       `json:"failures"`
	Again    time.Time `json:"again"` // it may be asked
	Reason   string    `json:"reason"`
}

// Error implements error.
func (r *refusal) Error() string { return r.Reason }

func (e *engine) refusalKey(name string) string { return e.key("refusals", name) }

// refusal is the last one of a name; nil for none.
func (e *engine) refusal(ctx context.Context, name string) (*refusal, error) {
	value, err := e.storage.Load(ctx, e.refusalKey(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	r := &refusal{}
	if err == nil {
		err = json.Unmarshal(value, r)
	}
	if err != nil {
		return nil, fmt.Errorf("looking whether the authority has refused: %w", err)
	}
	return r, nil
}

// isRefused reports a refusal after which the authority must not be asked yet.
func (e *engine) isRefused(ctx context.Context, name string) error {
	r, err := e.refusal(ctx, name)
	if err != nil || r == nil || !time.Now().Before(r.Again) {
		return err
	}
	return r
}

// failed takes note of a failure, and returns when to try again.
func (e *engine) failed(ctx context.Context, name string, failures int, err error) time.Time {
	now := time.Now()
	if r, ok := errors.AsType[*refusal](err); ok { // told by another one
		return now.Add(jittered(r.Again.Sub(now)))
	}
	if _, ok := errors.AsType[acme.Problem](err); !ok {
		return now.Add(jittered(pause(failures, e.unreached, maxUnreached)))
	}
	r := refusal{Failures: 1, Reason: err.Error()}
	if last, err := e.refusal(ctx, name); err == nil && last != nil {
		r.Failures += last.Failures
	}
	r.Again = now.Add(pause(max(r.Failures, failures), minRefused, maxRefused))
	if value, err := json.Marshal(r); err == nil {
		_ = e.storage.Store(ctx, e.refusalKey(name), value) // else each counts for itself
	}
	return r.Again
}

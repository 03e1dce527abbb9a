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

// refused takes note of a failure for all, if it is a refusal.
func (e *engine) refused(ctx context.Context, name string, failure error) error {
	if _, ok := errors.AsType[acme.Problem](failure); !ok {
		return nil
	}
	r := refusal{Failures: 1, Reason: failure.Error()}
	if last, err := e.refusal(ctx, name); err == nil && last != nil {
		r.Failures += last.Failures
	}
	r.Again = time.Now().Add(pause(r.Failures, minRefused, maxRefused))
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return e.storage.Store(ctx, e.refusalKey(name), value)
}

// again is when to try again after so many failures, of which this is the last.
func (e *engine) again(ctx context.Context, name string, failures int, failure error) time.Time {
	now := time.Now()
	if r, ok := errors.AsType[*refusal](failure); ok { // told by another one
		return now.Add(jittered(r.Again.Sub(now)))
	}
	if _, ok := errors.AsType[acme.Problem](failure); !ok {
		return now.Add(jittered(pause(failures, e.unreached, maxUnreached)))
	}
	if r, err := e.refusal(ctx, name); err == nil && r != nil {
		return r.Again
	}
	return now.Add(jittered(pause(failures, minRefused, maxRefused))) // it could not be written down
}

package vault

import (
	"encoding/json"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// terms are how long an answer is good, and when something is to be done.
type terms struct {
	lease     time.Duration
	pause     time.Duration
	renewable bool
}

// terms reads them from an answer. Answers without a lease may tell their end
// otherwise: certificates by their expiration, secret IDs of AppRole and rotating
// secrets by the time that is left.
func (s *Source) terms(secret *watch.Secret, now time.Time) terms {
	seconds, renewable := int64(secret.LeaseDuration), secret.Renewable && secret.LeaseID != ""
	if secret.Auth != nil {
		seconds, renewable = int64(secret.Auth.LeaseDuration), secret.Auth.Renewable
	}
	if secret.LeaseID == "" {
		if ttl, ok := number(secret.Data, "rotation_period", "ttl"); ok {
			rotated := time.Duration(ttl+1) * time.Second // by then there is another
			return terms{lease: rotated, pause: rotated}
		}
		if at, ok := number(secret.Data, "certificate", "expiration"); ok {
			seconds = at - now.Unix()
		}
		if ttl, ok := number(secret.Data, "secret_id", "secret_id_ttl"); ok && ttl > 0 {
			seconds = ttl + 1
		}
	}
	lease := time.Duration(seconds) * time.Second
	if lease <= 0 {
		lease, renewable = s.config.DefaultLease, false
	}
	if renewable {
		return terms{lease: lease, pause: part(lease, renewAt, 0.05), renewable: true}
	}
	return terms{lease: lease, pause: part(lease, s.config.Threshold, 0.05)}
}

// number is the value of a key, if there is another that says what it means.
func number(data map[string]any, beside, key string) (int64, bool) {
	if _, ok := data[beside]; !ok {
		return 0, false
	}
	n, ok := data[key].(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}

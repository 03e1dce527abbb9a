package config

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// A stale read may always be a little behind, which a bound of 0 forbids.
func TestMaxStaleOfZeroAsksTheLeader(t *testing.T) {
	for _, test := range []struct {
		mode     consul.Mode
		maxStale time.Duration
		want     consul.Mode
	}{
		{consul.Stale, 2 * time.Second, consul.Stale},
		{consul.Stale, 0, consul.Default},
		{consul.Default, 0, consul.Default},
		{consul.Consistent, 0, consul.Consistent},
	} {
		var c Config
		c.Consul.Mode, c.MaxStale = string(test.mode), test.maxStale
		if got := c.ConsulConfig(nil).Mode; got != test.want {
			t.Errorf("mode %s with max_stale %s is %s, want %s", test.mode, test.maxStale, got, test.want)
		}
	}
}

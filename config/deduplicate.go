package config

import (
	"cmp"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// Deduplicate lets one of all hosts that render a template ask for its data, on
// as soon as any of its settings is given. It has no part in -once and -dry.
type Deduplicate struct {
	Enabled Optional[bool] `hcl:"enabled"`
	// Prefix is that of the keys in Consul in which answers are passed on; see
	// [Deduplicate.Keys].
	Prefix string `hcl:"prefix"`
	// TTL is how long a host may be silent until another takes over; 15 s if not
	// set.
	TTL time.Duration `hcl:"ttl"`

	// MaxStale and BlockQueryWait are accepted for old files: those of the top
	// level count.
	MaxStale       time.Duration `hcl:"max_stale"`
	BlockQueryWait time.Duration `hcl:"block_query_wait"`
}

// Defaults are consul-template's: tokens allow to write there.
const (
	defaultSharePrefix = "consul-template/dedup/"
	defaultShareTTL    = 15 * time.Second
)

func (d Deduplicate) enabled() bool { return d.Enabled.Or(d != Deduplicate{}) }

// Keys is the prefix of sluice's own keys. Those of consul-template are beside
// them, and hold what nobody else can read.
func (d Deduplicate) Keys() string {
	return strings.Trim(cmp.Or(d.Prefix, defaultSharePrefix), "/") + "/sluice/"
}

func (d Deduplicate) ttl() time.Duration { return cmp.Or(d.TTL, defaultShareTTL) }

func (d Deduplicate) validate(f *faultList) {
	if d.Prefix != "" && strings.Trim(d.Prefix, "/") == "" {
		f.addf("deduplicate.prefix must name a folder, not %q", d.Prefix)
	}
	if d.ttl() < consul.MinClaimTTL || d.ttl() > consul.MaxClaimTTL {
		f.addf("deduplicate.ttl must be from %v to %v, which are Consul's limits, not %v", consul.MinClaimTTL, consul.MaxClaimTTL, d.TTL)
	}
	f.notNegative("deduplicate.max_stale", d.MaxStale)
	f.notNegative("deduplicate.block_query_wait", d.BlockQueryWait)
}

// NewClaims makes what answers are passed on by; nil if none are.
func (c Config) NewClaims(k consul.Config, dry bool) (*consul.Claims, error) {
	if !c.Deduplicate.enabled() || c.Once || dry || c.Catalog.Path != "" {
		return nil, nil
	}
	return consul.NewClaims(k, c.Deduplicate.ttl())
}

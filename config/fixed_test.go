package config

import (
	"slices"
	"testing"
)

// What a reload does not take over is told, and nothing else is.
func TestFixedSettings(t *testing.T) {
	withListener := func(c *Config) { c.LB.Listeners = []Listener{{Text: ":80"}} }
	tests := map[string]struct {
		before func(*Config)
		change func(*Config)
		want   []string
	}{
		"nothing":        {nil, func(*Config) {}, nil},
		"templates":      {nil, func(c *Config) { c.Templates = append(c.Templates, Template{}); c.LogLevel = Some(LevelInfo) }, nil},
		"consul":         {nil, func(c *Config) { c.Consul.Address = "x" }, nil},
		"consul with lb": {withListener, func(c *Config) { c.Consul.Address = "x"; c.Tags.FabioPrefix = "y" }, []string{"consul or catalog"}},
		"routes": {withListener, func(c *Config) {
			c.Routes, c.Claims, c.Fabio.Routes = []StaticRoute{{Name: "x"}}, []Claim{{Host: "x"}}, "route del x"
			c.LB.Health.Statuses, c.LB.Failover, c.LB.Guard.Hold = []string{"warning"}, []string{"dc2"}, 1
			c.LB.Locality.Zone = "x"
		}, nil},
		"registration":      {withListener, func(c *Config) { c.Fabio.Register.Name = "x" }, []string{"fabio.register"}},
		"listeners":         {withListener, func(c *Config) { c.LB.Listeners = nil }, []string{"lb"}},
		"where the log is":  {nil, func(c *Config) { c.LogFile.Path, c.Syslog.Name, c.LogFormat = "x", "y", "json" }, []string{"log_format", "log_file", "syslog"}},
		"administration":    {nil, func(c *Config) { c.Admin.Listen = ":1" }, []string{"admin"}},
		"pid file, signals": {nil, func(c *Config) { c.PIDFile, c.KillSignal = "x", 0 }, nil},
	}
	for name, test := range tests {
		before := DefaultConfig()
		if test.before != nil {
			test.before(&before)
		}
		after := before
		test.change(&after)
		if got := before.FixedSettings(after); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

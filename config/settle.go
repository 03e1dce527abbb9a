package config

import "fmt"

// fillLogLevel takes the level from the environment if neither files nor flags
// have set it. Consul's own variables are read by package watch/consul.
func (c *Config) fillLogLevel(getenv func(string) string) error {
	for _, name := range []string{"CT_LOG", "CONSUL_TEMPLATE_LOG", "CONSUL_TEMPLATE_LOG_LEVEL"} {
		value := getenv(name)
		if value == "" || c.LogLevel.Set {
			continue
		}
		var level LogLevel
		if err := level.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.LogLevel = Some(level)
	}
	return nil
}

// Settle gives every setting that is still open its final value, but for those
// of Consul, which the environment can set as well.
func (c *Config) Settle() {
	// Who replaces consul-template expects its silence; who runs a load balancer
	// wants to see that it listens and what it routes.
	quiet := LevelWarn
	if len(c.LB.Listeners) > 0 {
		quiet = LevelInfo
	}
	c.LogLevel = Some(c.LogLevel.Or(quiet))
	if c.Once {
		c.Wait = Wait{} // nothing to wait for: each template is rendered once
	}
	c.Wait = c.Wait.settled()
	c.Exec.settle()
	c.joinGroups()
	for i := range c.Templates {
		c.Templates[i].inherit(c)
	}
	if !c.Syslog.Enabled.Set {
		c.Syslog.Enabled = Some(c.Syslog.Name != "" || c.Syslog.Facility.Set)
	}
	if c.Admin.Listen == "" {
		c.Admin.Listen = AdminOff
		if len(c.LB.Listeners) > 0 {
			c.Admin.Listen = DefaultAdminAddress
		}
	}
}

// Alone reports whether a failure of the one template is a failure of all there
// is to do. Then it ends the program, as consul-template's users know it; with
// other templates or a load balancer at work the rest goes on.
func (c *Config) Alone() bool {
	return c.Once || len(c.Templates) <= 1 && len(c.LB.Listeners) == 0
}

package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Validate joins every fault of a configuration that Load has settled.
func (c *Config) Validate() error {
	return errors.Join(c.ValidateSettings(), c.validateTemplates())
}

// ValidateSettings joins the faults of everything but templates, which end the
// program with another status.
func (c *Config) ValidateSettings() error {
	var f faultList
	f.add("wait", c.Wait.validate())
	f.oneOf("log_format", c.LogFormat, "text", "json")
	f.notNegative("max_stale", c.MaxStale)
	if c.BlockQueryWait <= 0 || c.BlockQueryWait > 10*time.Minute {
		f.addf("block_query_wait must be above 0s and at most 10m, which is Consul's limit, not %v", c.BlockQueryWait)
	}
	f.catchable("kill_signal", c.KillSignal)
	f.catchable("reload_signal", c.ReloadSignal)
	if c.KillSignal != 0 && c.KillSignal == c.ReloadSignal {
		f.addf("kill_signal and reload_signal are both %v", c.KillSignal)
	}
	if c.DefaultDelimiters.Left == "" || c.DefaultDelimiters.Right == "" {
		f.addf("default_delimiters: left and right cannot be empty")
	}
	f.notNegative("once_timeout", c.OnceTimeout)
	if c.OnCommandError != "" {
		f.oneOf("on_command_error", c.OnCommandError, commandPolicies...)
	}
	c.Deduplicate.validate(&f)
	c.LogFile.validate(&f)
	c.Exec.validate("exec", &f)
	if c.Catalog.Address == "" {
		f.addf("catalog.address cannot be empty")
	}
	c.Consul.validate(&f)
	c.Nomad.validate(&f)
	c.Vault.validate(&f)
	c.LB.validate(&f)
	c.Tags.validate(&f)
	c.Fabio.validate(&f)
	c.Admin.validate(&f, &c.LB)
	c.validateStatic(&f)
	return errors.Join(f...)
}

// validate leaves the address to package watch/consul.
func (c *Consul) validate(f *faultList) {
	f.oneOf("consul.mode", c.Mode, consulModes...)
	// Three connections are taken by the watches over the whole catalog.
	if c.MaxConnections < 4 {
		f.addf("consul.max_connections must be at least 4, not %d", c.MaxConnections)
	}
	if c.Auth.Enabled.Or(false) && c.Auth.Username == "" {
		f.addf("consul.auth is enabled without a username")
	}
	if c.SSL.Key != "" && c.SSL.Cert == "" {
		f.addf("consul.ssl.key is set without consul.ssl.cert")
	}
	f.notNegative("consul.retry.backoff", c.Retry.Backoff)
	f.notNegative("consul.retry.max_backoff", c.Retry.MaxBackoff)
	f.notNegative("consul.transport.dial_timeout", c.Transport.DialTimeout)
	f.notNegative("consul.transport.idle_conn_timeout", c.Transport.IdleConnTimeout)
	f.notNegative("consul.transport.tls_handshake_timeout", c.Transport.TLSHandshakeTimeout)
}

func (l *LogFile) validate(f *faultList) {
	if l.RotateBytes < 0 {
		f.addf("log_file.log_rotate_bytes cannot be negative (%d)", l.RotateBytes)
	}
	if l.RotateMaxFiles < -1 {
		f.addf("log_file.log_rotate_max_files is the number of older files to keep, 0 for all or -1 for none, not %d", l.RotateMaxFiles)
	}
	f.notNegative("log_file.log_rotate_duration", l.RotateDuration)
}

func (e *Exec) validate(at string, f *faultList) {
	f.notNegative(at+".timeout", e.Timeout.Value)
	f.notNegative(at+".splay", e.Splay)
	f.notNegative(at+".kill_timeout", e.KillTimeout.Value)
	for _, pattern := range slices.Concat(e.Env.Allowlist, e.Env.Denylist) {
		if _, err := path.Match(pattern, ""); err != nil {
			f.addf("%s.env: %q is not a pattern of names such as \"CONSUL_*\"", at, pattern)
		}
	}
}

func (t *Tags) validate(f *faultList) {
	if t.FabioPrefix == "" {
		f.addf("tags.fabio_prefix cannot be empty; to switch the dialect off leave it out of tags.dialects")
	}
	if slices.Contains(t.FabioPrefixes, "") {
		f.addf("tags.fabio_prefixes: a prefix cannot be empty")
	}
	if t.TraefikPrefix == "" {
		f.addf("tags.traefik_prefix cannot be empty; to switch the dialects off leave them out of tags.dialects")
	}
	for _, dialect := range t.Dialects {
		f.oneOf("tags.dialects", dialect, dialects...)
	}
	t.Traefik.validate(f)
}

func (c *Config) validateTemplates() error {
	var f faultList
	for _, t := range c.Templates {
		at := "template"
		if t.Origin != "" {
			at = t.Origin + ": template"
		}
		switch {
		case t.Source == "" && t.Contents == "":
			f.addf("%s: neither source nor contents is given", at)
		case t.Source != "" && t.Contents != "":
			f.addf("%s: both source and contents are given", at)
		}
		f.add(at+": wait", t.Wait.Value.validate())
		t.Exec.validate(at+": exec", &f)
		t.validateReload(at, &f)
		if t.commandGroup == "" {
			t.Lock.validate(at+": lock", &f)
		}
		if t.Lock.Key != "" && len(t.Exec.Command) == 0 {
			f.addf("%s: lock %q has no command to hold up", at, t.Lock.Key)
		}
		f.oneOf(at+": on_command_error", t.OnCommandError, commandPolicies...)
		f.oneOf(at+": write", t.Write, "rename", "inplace")
		if t.CommandRetries < 0 || t.MinBytes < 0 || t.MinInstances < 0 {
			f.addf("%s: command_retries, min_bytes and min_instances cannot be negative", at)
		}
		if (t.Source == standardStream || t.Destination == standardStream) && !c.Once {
			f.addf("%s: - stands for standard input or output, which works with -once only", at)
		}
		if t.Check.Timeout <= 0 {
			f.addf("%s: check.timeout must be above 0s, not %v", at, t.Check.Timeout)
		}
	}
	c.validateGroups(&f)
	return errors.Join(f...)
}

// standardStream is standard input as a source, standard output as a
// destination.
const standardStream = "-"

// faultList collects what is wrong with settings.
type faultList []error

func (f *faultList) addf(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *faultList) add(key string, err error) {
	if err != nil {
		f.addf("%s: %w", key, err)
	}
}

func (f *faultList) notNegative(key string, d time.Duration) {
	if d < 0 {
		f.addf("%s cannot be negative (%v)", key, d)
	}
}

func (f *faultList) oneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.addf("%s: %q is none of %s%s", key, value, strings.Join(allowed, ", "), nearest.Hint(value, "", slices.Values(allowed)))
	}
}

func (f *faultList) catchable(key string, s Signal) {
	if s == Signal(syscall.SIGKILL) || s == Signal(syscall.SIGSTOP) {
		f.addf("%s: no program can receive %v", key, s)
	}
}

package config

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/watch/consul"
	"github.com/sluiceproxy/sluice/watch/vault"
)

// Environment holds K=V entries that commands get and templates see before those
// of the process: how sluice itself reaches Consul and Vault.
type Environment []string

// ConsulEnvironment describes a connection as Consul's own tools want it.
func ConsulEnvironment(c consul.Config) Environment {
	var e Environment
	set := func(name, value string) {
		if value != "" {
			e = append(e, name+"="+value)
		}
	}
	set("CONSUL_HTTP_ADDR", c.Address)
	if c.Auth.Username != "" {
		set("CONSUL_HTTP_AUTH", c.Auth.Username+":"+c.Auth.Password.Reveal())
	}
	set("CONSUL_HTTP_TOKEN", c.Token.Reveal())
	set("CONSUL_HTTP_TOKEN_FILE", c.TokenFile)
	set("CONSUL_HTTP_SSL", strconv.FormatBool(c.SSL.Enabled.Or(false)))
	set("CONSUL_HTTP_SSL_VERIFY", strconv.FormatBool(c.SSL.Verify.Or(true)))
	return e
}

// vaultEnvironment describes a connection as Vault's own tools want it. It has
// no token: who is to have one says so.
func vaultEnvironment(c vault.Config) Environment {
	var e Environment
	t := c.Target.TLS
	for _, entry := range []struct{ name, value string }{
		{"VAULT_ADDR", c.Target.Address},
		{"VAULT_CLIENT_CERT", t.Cert},
		{"VAULT_CLIENT_KEY", t.Key},
		{"VAULT_CAPATH", t.CAPath},
		{"VAULT_CACERT", t.CACert},
		{"VAULT_CACERT_BYTES", t.CACertBytes},
		{"VAULT_TLS_SERVER_NAME", t.ServerName},
	} {
		if entry.value != "" {
			e = append(e, entry.name+"="+entry.value)
		}
	}
	if t.SkipVerify {
		e = append(e, "VAULT_SKIP_VERIFY=true")
	}
	return e
}

// Lookup is os.LookupEnv with e in front.
func (e Environment) Lookup(name string) (string, bool) {
	for _, entry := range e {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// Environment is what a command gets, later entries winning: what is inherited
// and let through, sluice's own, and what was asked for.
func (e ExecEnv) Environment(own Environment) []string {
	var all []string
	if !e.Pristine {
		for _, entry := range os.Environ() {
			if name, _, _ := strings.Cut(entry, "="); e.allows(name) {
				all = append(all, entry)
			}
		}
	}
	return slices.Concat(all, own, e.Custom)
}

func (e ExecEnv) allows(name string) bool {
	matches := func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // Validate has let no bad pattern through
		return ok
	}
	if slices.ContainsFunc(e.Denylist, matches) {
		return false
	}
	return len(e.Allowlist) == 0 || slices.ContainsFunc(e.Allowlist, matches)
}

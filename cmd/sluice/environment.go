package main

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// environment holds K=V entries that commands get and templates see before those
// of the process: how sluice itself reaches Consul.
type environment []string

// consulEnvironment describes a connection as Consul's own tools want it.
func consulEnvironment(c consul.Config) environment {
	var e environment
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

// lookup is os.LookupEnv with e in front.
func (e environment) lookup(name string) (string, bool) {
	for _, entry := range e {
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value, true
		}
	}
	return os.LookupEnv(name)
}

// environment is what a command gets, later entries winning: what is inherited
// and let through, sluice's own, and what was asked for.
func (e ExecEnv) environment(own environment) []string {
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

package nomad

import (
	"cmp"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Config says how a Nomad agent is reached.
type Config struct {
	// Target's address is http://127.0.0.1:4646 by default.
	Target dial.Target
	Token  dial.Secret
	// Namespace counts where a query names none.
	Namespace string
	// Username and Password are for a proxy in front of Nomad that wants HTTP
	// basic authentication.
	Username string
	Password dial.Secret
	// Backoff is that of the Watcher if zero.
	Backoff watch.Backoff
}

const defaultAddress = "http://127.0.0.1:4646"

// ConfigFromEnv reads NOMAD_ADDR, NOMAD_NAMESPACE and NOMAD_TOKEN.
func ConfigFromEnv(getenv func(string) string) Config {
	return Config{
		Target:    dial.Target{Address: getenv("NOMAD_ADDR")},
		Namespace: getenv("NOMAD_NAMESPACE"),
		Token:     dial.Secret(getenv("NOMAD_TOKEN")),
	}
}

// Over returns c with the address, the namespace and the token, where it
// leaves them open, taken from base.
func (c Config) Over(base Config) Config {
	c.Target.Address = cmp.Or(c.Target.Address, base.Target.Address)
	c.Namespace = cmp.Or(c.Namespace, base.Namespace)
	c.Token = cmp.Or(c.Token, base.Token)
	return c
}

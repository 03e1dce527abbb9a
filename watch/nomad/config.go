package nomad

import (
	"cmp"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Config says how a Nomad agent is reached.
type Config struct {
	// Target's address is http://127.0.0.1:4646 by default.
	Target dial.Target
	Token  dial.Secret
	// Region and Namespace count where a query names none.
	Region    string
	Namespace string
	// Username and Password are for a proxy in front of Nomad that wants HTTP
	// basic authentication.
	Username string
	Password dial.Secret
	// Backoff is that of the Watcher if zero.
	Backoff watch.Backoff
}

const defaultAddress = "http://127.0.0.1:4646"

// ConfigFromEnv reads NOMAD_ADDR, NOMAD_REGION, NOMAD_NAMESPACE, NOMAD_TOKEN and
// NOMAD_HTTP_AUTH, which is user:password.
func ConfigFromEnv(getenv func(string) string) Config {
	username, password, _ := strings.Cut(getenv("NOMAD_HTTP_AUTH"), ":")
	return Config{
		Target:    dial.Target{Address: getenv("NOMAD_ADDR")},
		Region:    getenv("NOMAD_REGION"),
		Namespace: getenv("NOMAD_NAMESPACE"),
		Token:     dial.Secret(getenv("NOMAD_TOKEN")),
		Username:  username,
		Password:  dial.Secret(password),
	}
}

// Over returns c with what it leaves open of address, region, namespace, token,
// and user with password, taken from base.
func (c Config) Over(base Config) Config {
	c.Target.Address = cmp.Or(c.Target.Address, base.Target.Address)
	c.Region = cmp.Or(c.Region, base.Region)
	c.Namespace = cmp.Or(c.Namespace, base.Namespace)
	c.Token = cmp.Or(c.Token, base.Token)
	if c.Username == "" {
		c.Username, c.Password = base.Username, base.Password
	}
	return c
}

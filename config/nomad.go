package config

import (
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
	"github.com/sluiceproxy/sluice/watch/nomad"
)

// Nomad is how a Nomad agent is reached. What is empty is taken from
// NOMAD_ADDR, NOMAD_REGION, NOMAD_NAMESPACE, NOMAD_TOKEN and NOMAD_HTTP_AUTH.
type Nomad struct {
	// Address is http(s)://host:port or unix:///path.
	Address      string         `hcl:"address"`
	Enabled      Optional[bool] `hcl:"enabled"` // on if not set
	Namespace    string         `hcl:"namespace"`
	Token        dial.Secret    `hcl:"token"`
	AuthUsername string         `hcl:"auth_username"`
	AuthPassword dial.Secret    `hcl:"auth_password"`
	SSL          SSL            `hcl:"ssl"`
	Retry        Retry          `hcl:"retry"`
	Transport    Transport      `hcl:"transport"`
}

// NomadConfig is how Nomad is asked, but for the environment.
func (c Config) NomadConfig() nomad.Config {
	n := c.Nomad
	return nomad.Config{
		Target:    n.SSL.target(n.Address, n.Transport, false, c.userAgent()),
		Backoff:   n.Retry.Limits(watch.DefaultOptions().Backoff),
		Namespace: n.Namespace,
		Token:     n.Token,
		Username:  n.AuthUsername,
		Password:  n.AuthPassword,
	}
}

func (n Nomad) validate(f *faultList) { validateRemote(f, "nomad", n.SSL, n.Retry) }

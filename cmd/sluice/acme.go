package main

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/acme"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/watch/consul"
)

// addACME gives the authorities of the load balancer their clients.
func (d *daemon) addACME(c config.Config, sources []certs.ACME) error {
	for i := range c.LB.ACME {
		a := &c.LB.ACME[i]
		client, err := d.newACMEClient(c, a)
		if err != nil {
			return fmt.Errorf("%s: acme %q: %w", a.Origin, a.Name, err)
		}
		sources[i].Client = client
	}
	return nil
}

func (d *daemon) newACMEClient(c config.Config, a *config.ACME) (*acme.Client, error) {
	o, err := a.Options(d.log)
	if err != nil {
		return nil, err
	}
	if a.CARoot != "" {
		if o.Roots, err = readRoots(a.CARoot); err != nil {
			return nil, fmt.Errorf("ca_root: %w", err)
		}
	}
	if a.Storage == config.ACMEConsul {
		if c.Catalog.Path != "" || c.Fabio.Registry.ReplacesConsul() {
			return nil, errors.New(`there is no Consul to keep certificates in: storage = "file" keeps them on this machine, in folder`)
		}
		environment, err := consul.ConfigFromEnv(d.getenv)
		if err != nil {
			return nil, err
		}
		if o.Storage, err = consul.NewValues(c.ConsulConfig(d.log).Over(environment), cmp.Or(a.Prefix, config.ACMEPrefix)); err != nil {
			return nil, err
		}
	}
	return acme.New(o)
}

func readRoots(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", path)
	}
	return roots, nil
}

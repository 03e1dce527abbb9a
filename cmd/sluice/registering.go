package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// registering has sluice registered with Consul under its own name and those
// that tags ask for.
type registering struct {
	*consul.Registrar
	names func() []string
	grace time.Duration
}

// newRegistering is nil if there is no load balancer or no Consul.
func (d *daemon) newRegistering(c Config) (*registering, error) {
	if d.lb == nil || !c.asksConsul() {
		return nil, nil
	}
	environment, err := consul.ConfigFromEnv(d.getenv)
	if err != nil {
		return nil, err
	}
	base, err := c.registration()
	if err != nil {
		if !c.Fabio.Register.Enabled {
			return nil, nil // nothing but the alias of a tag could need it
		}
		return nil, fmt.Errorf("fabio.register: %w", err)
	}
	registrar, err := consul.NewRegistrar(c.consulConfig(d.log).Over(environment), base)
	if err != nil {
		return nil, err
	}
	r := &registering{Registrar: registrar, grace: c.Fabio.Register.Grace}
	r.names = func() []string {
		var names []string
		if c.Fabio.Register.Enabled {
			names = append(names, base.Name)
		}
		for _, alias := range d.lb.Table().Aliases() {
			if !slices.Contains(names, alias) {
				names = append(names, alias)
			}
		}
		return names
	}
	return r, nil
}

// registration is what the configuration says of it.
func (c Config) registration() (consul.Registration, error) {
	r := c.Fabio.Register
	host, port, err := net.SplitHostPort(cmp.Or(r.Address, c.Admin.Listen))
	if err != nil {
		return consul.Registration{}, errors.New("there is no admin listener with an address and a port, for Consul to check")
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return consul.Registration{}, fmt.Errorf("%q is no port", port)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		if host, err = firstAddress(); err != nil {
			return consul.Registration{}, err
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return consul.Registration{}, err
	}
	scheme := "http"
	if c.Admin.Certificates != "" {
		scheme = "https"
	}
	return consul.Registration{
		Name: cmp.Or(r.Name, ourName), Tags: r.Tags, Address: host, Port: number, Host: name,
		HealthURL: scheme + "://" + net.JoinHostPort(host, port) + "/healthz",
		Interval:  cmp.Or(r.Interval, time.Second), Timeout: cmp.Or(r.Timeout, 3*time.Second), SkipVerify: r.SkipVerify,
	}, nil
}

// firstAddress is the first of this host that others may reach it at.
func firstAddress() (string, error) {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			return network.IP.String(), nil
		}
	}
	return "", errors.New("this host has no address that others could reach it at; say which one is meant by register.address")
}

// Run registers until ctx ends, deregisters, and then leaves those who still
// come the grace they need, unless nobody serves them any more.
func (r *registering) Run(ctx context.Context, unserved <-chan struct{}) error {
	following, end := context.WithCancel(ctx)
	defer end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.follow(following)
	}()
	err := r.Registrar.Run(ctx)
	end()
	<-done
	select {
	case <-time.After(r.grace):
	case <-unserved:
	}
	return err
}

// follow tells the registrar of names that come and go.
func (r *registering) follow(ctx context.Context) {
	const often = 500 * time.Millisecond
	ticker := time.NewTicker(often)
	defer ticker.Stop()
	for {
		r.Set(r.names())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

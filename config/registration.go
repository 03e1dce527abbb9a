package config

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/watch/consul"
)

// Registration is what the configuration says of it.
func (c Config) Registration() (consul.Registration, error) {
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
		Name: cmp.Or(r.Name, Program), Tags: r.Tags, Address: host, Port: number, Host: name,
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

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/lb/transport"
)

// ServersTransport is how servers with TLS are connected to, which tags refer to by
// loadbalancer.serverstransport=NAME. Files are of PEM.
type ServersTransport struct {
	Origin             string
	Name               string   // the label of the stanza
	InsecureSkipVerify bool     `hcl:"insecure_skip_verify"`
	ServerName         string   `hcl:"server_name"`
	RootCAs            []string `hcl:"root_cas"`
	Certificate        string   `hcl:"certificate"`
	Key                string   `hcl:"key"`
	MinVersion         string   `hcl:"min_version"`
}

func (t *ServersTransport) setDefaults(at position) { *t = ServersTransport{Origin: at.String()} }

func (t *ServersTransport) setLabel(label string) { t.Name = label }

// read reads the files.
func (t *ServersTransport) read() (made transport.Transport, err error) {
	made = transport.Transport{Name: t.Name, SkipVerify: t.InsecureSkipVerify, ServerName: t.ServerName}
	switch {
	case t.Name == "" || strings.ContainsAny(t.Name, "@ "):
		err = errors.New("the name is empty, or holds an @ or a blank")
	case t.MinVersion != "":
		if made.MinVersion, err = tlsconf.ParseVersion(t.MinVersion); err != nil {
			err = fmt.Errorf("min_version: %w", err)
		}
	}
	if err == nil {
		err = made.ReadFiles(t.RootCAs, t.Certificate, t.Key)
	}
	if err != nil {
		return made, fmt.Errorf("%s: transport %q: %w", t.Origin, t.Name, err)
	}
	return made, nil
}

// transports are those of the stanzas that are valid, by name in lower case.
func (c *Config) transports() map[string]transport.ID {
	all := map[string]transport.ID{}
	for i := range c.Transports {
		if made, err := c.Transports[i].read(); err == nil {
			all[strings.ToLower(made.Name)] = made.ID()
		}
	}
	return all
}

func (c *Config) validateTransports(f *faultList) {
	seen := map[string]string{}
	for i := range c.Transports {
		t := &c.Transports[i]
		if _, err := t.read(); err != nil {
			*f = append(*f, err)
		}
		unique(f, seen, "transport", t.Name, t.Origin)
	}
}

package config

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/certs"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// Certificates is a source of certificates. It is given as a stanza with a name,
// or in the notation of package lb.
type Certificates struct {
	Origin string
	// Name is the label of the stanza.
	Name string
	Type string `hcl:"type"`
	// Cert and Key are several with type "file" alone.
	Cert     []string `hcl:"cert"`
	Key      []string `hcl:"key"`
	ClientCA string   `hcl:"client_ca,alias=clientca"`
	// ClientCAUpgradeCN is the common name of those of them that may sign although
	// they do not say so.
	ClientCAUpgradeCN string        `hcl:"client_ca_upgrade_cn,alias=caupgcn"`
	Refresh           time.Duration `hcl:"refresh"`
	// Header is sent along to a URL, as "NAME: VALUE".
	Header dial.Secret `hcl:"header"`

	// Text is the notation, for one that was given by a flag.
	Text dial.Secret
}

// SetDefaults implements [hcl.Defaulted].
func (c *Certificates) SetDefaults(at hcl.Position) { *c = Certificates{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (c *Certificates) SetLabel(label string) { c.Name = label }

// Source is what package lb makes certificates of.
func (c *Certificates) Source() (certs.Source, error) {
	if c.Text != "" {
		return certs.ParseSource(c.Text.Reveal())
	}
	s := certs.Source{
		Name: c.Name, Type: c.Type, Cert: strings.Join(c.Cert, ","), Key: strings.Join(c.Key, ","),
		ClientCA: c.ClientCA, UpgradeCN: c.ClientCAUpgradeCN, Refresh: c.Refresh,
	}
	if c.Header != "" {
		name, value, ok := strings.Cut(c.Header.Reveal(), ":")
		if !ok {
			return s, errors.New(`header is not of the form "NAME: VALUE"`)
		}
		s.Header = http.Header{}
		s.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if err := s.Complete(); err != nil {
		return s, fmt.Errorf("certificates %q: %w", c.Name, err)
	}
	return s, nil
}

// SpellOut puts a source that was given in package lb's notation into fields.
func (c *Certificates) SpellOut() error {
	if c.Text == "" {
		return nil
	}
	s, err := certs.ParseSource(c.Text.Reveal())
	if err != nil {
		return err
	}
	c.Name, c.Type, c.ClientCA, c.Refresh = s.Name, s.Type, s.ClientCA, s.Refresh
	c.ClientCAUpgradeCN = s.UpgradeCN
	c.Cert, c.Key = tlsconf.Files(s.Cert), tlsconf.Files(s.Key)
	for name, values := range s.Header {
		c.Header = dial.Secret(name + ": " + values[0])
	}
	c.Text = ""
	return nil
}

// Package discover stands in for github.com/hashicorp/go-discover in the Vault
// and the Nomad that the tests run against: it finds nothing. The true one finds
// peers in a dozen clouds, whose client libraries take longer to build than all
// the rest of those programs. Only what they call is here.
package discover

import (
	"errors"
	"log"
)

// Provider would find addresses in one cloud.
type Provider interface {
	Addrs(args map[string]string, l *log.Logger) ([]string, error)
	Help() string
}

// Providers are none.
var Providers map[string]Provider

// Config is a parsed query.
type Config map[string]string

// String is empty, as there is none.
func (Config) String() string { return "" }

var errNone = errors.New("this build finds no peers in clouds")

// Parse takes no query.
func Parse(string) (Config, error) { return nil, errNone }

// Discover finds nothing.
type Discover struct{}

// Option does nothing.
type Option func(*Discover) error

// New returns a Discover.
func New(...Option) (*Discover, error) { return &Discover{}, nil }

// WithUserAgent does nothing.
func WithUserAgent(string) Option { return nil }

// WithProviders does nothing.
func WithProviders(map[string]Provider) Option { return nil }

// Addrs finds none.
func (*Discover) Addrs(string, *log.Logger) ([]string, error) { return nil, errNone }

// Help has nothing to say.
func (*Discover) Help() string { return "" }

// Names are none.
func (*Discover) Names() []string { return nil }

package consul

import (
	"cmp"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// Config says how a Consul agent is reached. The zero value of every field
// means "not set": layers of settings are joined with [Config.Over], and [New]
// fills in the documented defaults.
type Config struct {
	// Address is host:port, http://…, https://… (both may carry a path prefix)
	// or unix:///path; 127.0.0.1:8500 by default.
	Address string

	Token dial.Secret
	// TokenFile holds the token and wins over Token. It is read again whenever
	// it changes and after each refusal, so a token can be rotated. An empty
	// file leaves the token as it was.
	TokenFile string

	// Auth is for a proxy in front of Consul that wants HTTP basic auth.
	Auth Auth

	// Datacenter, Namespace and Partition count where a query names none.
	Datacenter string
	Namespace  string
	Partition  string

	SSL       SSL
	Transport Transport

	Mode Mode
	// MaxConnections is the most connections ever open to the agent; 64 by
	// default. Consul itself allows a client address 200.
	MaxConnections int

	// UserAgent is what requests call their sender, if not empty.
	UserAgent string

	Logger *slog.Logger
}

// Auth is a name and password for HTTP basic auth.
type Auth struct {
	Username string
	Password dial.Secret
}

// SSL says whether and how TLS is spoken. An https:// address speaks TLS
// whatever Enabled says; any other setting given here switches it on unless
// Enabled is Off.
type SSL struct {
	Enabled Switch
	// Verify is on by default. Off accepts any server certificate.
	Verify Switch
	// CACert is a PEM file and wins over CACertBytes, PEM itself, which wins over
	// CAPath, a folder of PEM files; without any the system's roots are used.
	CACert      string
	CACertBytes string
	CAPath      string
	// Cert and Key are PEM files with the client's certificate. Without Key,
	// Cert holds both.
	Cert       string
	Key        string
	ServerName string
}

// Transport tunes the connections. Zero means the default named here.
type Transport struct {
	DialTimeout         time.Duration // 30 s
	DialKeepAlive       time.Duration // 30 s
	TLSHandshakeTimeout time.Duration // 10 s
	IdleTimeout         time.Duration // 90 s: how long an unused connection is kept
	MaxIdle             int           // MaxConnections: how many of them
	DisableKeepAlives   bool
}

// Mode is how fresh answers must be.
type Mode string

// Modes, in Consul's words.
const (
	Default    Mode = "default"    // the leader answers
	Stale      Mode = "stale"      // any server answers, and says how far behind it may be
	Consistent Mode = "consistent" // the leader answers after asking a quorum
)

// Switch is a boolean that knows whether it was set; the zero value was not.
type Switch uint8

// The states of a Switch.
const (
	Unset Switch = iota
	On
	Off
)

// Set makes a Switch from a boolean.
func Set(on bool) Switch {
	if on {
		return On
	}
	return Off
}

// Or returns the switch's state, or def if it was not set.
func (s Switch) Or(def bool) bool {
	if s == Unset {
		return def
	}
	return s == On
}

const (
	defaultAddress        = "127.0.0.1:8500"
	defaultMaxConnections = 64
)

// Over returns c with every setting it leaves open taken from base. Token and
// TokenFile are one setting, so that a token given on the command line wins
// over a file named in the environment; so is Auth.
func (c Config) Over(base Config) Config {
	out := c
	out.Address = cmp.Or(c.Address, base.Address)
	if c.Token == "" && c.TokenFile == "" {
		out.Token, out.TokenFile = base.Token, base.TokenFile
	}
	out.Auth = cmp.Or(c.Auth, base.Auth)
	out.Datacenter = cmp.Or(c.Datacenter, base.Datacenter)
	out.Namespace = cmp.Or(c.Namespace, base.Namespace)
	out.Partition = cmp.Or(c.Partition, base.Partition)
	out.SSL = c.SSL.over(base.SSL)
	out.Transport = c.Transport.over(base.Transport)
	out.Mode = cmp.Or(c.Mode, base.Mode)
	out.MaxConnections = cmp.Or(c.MaxConnections, base.MaxConnections)
	out.UserAgent = cmp.Or(c.UserAgent, base.UserAgent)
	out.Logger = cmp.Or(c.Logger, base.Logger)
	return out
}

func (s SSL) over(base SSL) SSL {
	out := SSL{
		Enabled:     cmp.Or(s.enabled(), base.enabled()),
		Verify:      cmp.Or(s.Verify, base.Verify),
		ServerName:  cmp.Or(s.ServerName, base.ServerName),
		CACert:      s.CACert,
		CACertBytes: s.CACertBytes,
		CAPath:      s.CAPath,
		Cert:        s.Cert,
		Key:         s.Key,
	}
	// Pairs stay together: a folder given here must not lose to a file named
	// elsewhere, nor a certificate be joined with another one's key.
	if s.CACert == "" && s.CACertBytes == "" && s.CAPath == "" {
		out.CACert, out.CACertBytes, out.CAPath = base.CACert, base.CACertBytes, base.CAPath
	}
	if s.Cert == "" && s.Key == "" {
		out.Cert, out.Key = base.Cert, base.Key
	}
	return out
}

// enabled applies "enabled by mention".
func (s SSL) enabled() Switch {
	if s.Enabled == Unset && s != (SSL{}) {
		return On
	}
	return s.Enabled
}

func (t Transport) over(base Transport) Transport {
	return Transport{
		DialTimeout:         cmp.Or(t.DialTimeout, base.DialTimeout),
		DialKeepAlive:       cmp.Or(t.DialKeepAlive, base.DialKeepAlive),
		TLSHandshakeTimeout: cmp.Or(t.TLSHandshakeTimeout, base.TLSHandshakeTimeout),
		IdleTimeout:         cmp.Or(t.IdleTimeout, base.IdleTimeout),
		MaxIdle:             cmp.Or(t.MaxIdle, base.MaxIdle),
		DisableKeepAlives:   t.DisableKeepAlives || base.DisableKeepAlives,
	}
}

func (c Config) withDefaults() Config {
	c.MaxConnections = cmp.Or(c.MaxConnections, defaultMaxConnections)
	c = c.Over(Config{
		Address: defaultAddress,
		Mode:    Default,
		Transport: Transport{
			DialTimeout:         30 * time.Second,
			DialKeepAlive:       30 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second,
			IdleTimeout:         90 * time.Second,
			MaxIdle:             c.MaxConnections,
		},
		Logger: slog.Default(),
	})
	if c.SSL.Key == "" {
		c.SSL.Key = c.SSL.Cert
	}
	return c
}

// Validate reports every fault that can be found without opening files.
func (c Config) Validate() error {
	var errs []error
	if _, err := parseAddress(cmp.Or(c.Address, defaultAddress), false); err != nil {
		errs = append(errs, err)
	}
	switch c.Mode {
	case "", Default, Stale, Consistent:
	default:
		errs = append(errs, errors.New(`consul mode "`+string(c.Mode)+`" is none of default, stale, consistent`))
	}
	if c.MaxConnections < 0 {
		errs = append(errs, errors.New("consul max_connections must not be negative"))
	}
	if c.SSL.Key != "" && c.SSL.Cert == "" {
		errs = append(errs, errors.New("consul ssl key is set without a cert"))
	}
	return errors.Join(errs...)
}

// ParseAuth reads user[:password].
func ParseAuth(s string) (Auth, error) {
	name, password, _ := strings.Cut(s, ":")
	if name == "" {
		return Auth{}, errors.New("consul auth is not of the form user[:password]")
	}
	return Auth{Username: name, Password: dial.Secret(password)}, nil
}

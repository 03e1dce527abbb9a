package config

import (
	"errors"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// Consul is how the agent is reached and asked. What is empty is taken from the
// environment variables of Consul's own tools, and then from the defaults of
// package watch/consul.
type Consul struct {
	// Address is host:port, http(s)://host:port or unix:///path.
	Address    string `hcl:"address"`
	Namespace  string `hcl:"namespace"`
	Partition  string `hcl:"partition"`
	Datacenter string `hcl:"datacenter"`

	// TokenFile wins over Token.
	Token     dial.Secret `hcl:"token"`
	TokenFile string      `hcl:"token_file"`

	Auth      Auth      `hcl:"auth"`
	SSL       SSL       `hcl:"ssl"`
	Retry     Retry     `hcl:"retry"`
	Transport Transport `hcl:"transport"`

	// MaxConnections bounds the requests open at once.
	MaxConnections int `hcl:"max_connections"`
	// Mode is "stale" (any server may answer), "default" or "consistent".
	Mode string `hcl:"mode"`
}

// consulModes are the values of Consul.Mode.
var consulModes = []string{"stale", "default", "consistent"}

// UnmarshalText takes the address alone, as old files give it.
func (c *Consul) UnmarshalText(text []byte) error {
	c.Address = string(text)
	return nil
}

// Auth is HTTP basic authentication, on as soon as a user is given.
type Auth struct {
	Enabled  Optional[bool] `hcl:"enabled"`
	Username string         `hcl:"username"`
	Password dial.Secret    `hcl:"password"`
}

// UnmarshalText takes "user" or "user:password".
func (a *Auth) UnmarshalText(text []byte) error {
	user, password, _ := strings.Cut(string(text), ":")
	if user == "" {
		return errors.New("there is no user; give USER or USER:PASSWORD")
	}
	*a = Auth{Enabled: Some(true), Username: user, Password: dial.Secret(password)}
	return nil
}

// SSL is TLS towards Consul, Vault or Nomad, on as soon as any of its settings is given;
// for Vault it always is.
type SSL struct {
	Enabled     Optional[bool] `hcl:"enabled"`
	Verify      Optional[bool] `hcl:"verify"`
	Cert        string         `hcl:"cert"`
	Key         string         `hcl:"key"` // empty: in Cert
	CACert      string         `hcl:"ca_cert"`
	CACertBytes string         `hcl:"ca_cert_bytes"` // PEM itself; not used beside CACert
	CAPath      string         `hcl:"ca_path"`       // not used beside either
	ServerName  string         `hcl:"server_name"`
}

// Transport tunes the connections to Consul.
type Transport struct {
	DialKeepAlive       time.Duration `hcl:"dial_keep_alive"`
	DialTimeout         time.Duration `hcl:"dial_timeout"`
	DisableKeepAlives   bool          `hcl:"disable_keep_alives"`
	IdleConnTimeout     time.Duration `hcl:"idle_conn_timeout"`
	MaxIdleConns        int           `hcl:"max_idle_conns"`
	MaxIdleConnsPerHost int           `hcl:"max_idle_conns_per_host"`
	MaxConnsPerHost     int           `hcl:"max_conns_per_host"`
	TLSHandshakeTimeout time.Duration `hcl:"tls_handshake_timeout"`
}

package spec

import (
	"errors"
	"time"
)

// BasicAuth asks for a name and a password (RFC 7617).
type BasicAuth struct {
	// Users are "name:hash", UsersFile a file of such lines; of a name in both,
	// the file's counts.
	Users     []string `key:"users"`
	UsersFile string   `key:"usersfile"`
	Realm     string   `key:"realm"`
	// RemoveHeader keeps Authorization from the upstream.
	RemoveHeader bool `key:"removeheader"`
	// Once sends the challenge to those only who have sent no credentials, as Fabio
	// does: programs that know no other password are not asked again.
	Once bool
	// Closed lets nobody in while UsersFile cannot be read, as Fabio does; without
	// it, that is an error.
	Closed bool
	// AllowPlain takes a hash of no known form for the password itself.
	AllowPlain bool
	// HeaderField is the request field that gets the user's name.
	HeaderField string `key:"headerfield"`
	// Refresh is how often UsersFile is looked at for changes; 0 is at most once
	// a second.
	Refresh time.Duration
}

// Kind implements [Middleware].
func (*BasicAuth) Kind() string { return "basicauth" }

// Validate implements [Middleware].
func (b *BasicAuth) Validate() error { return checkUsers(b.Users, b.UsersFile) }

// DigestAuth asks for a digest (RFC 7616, MD5 with qop=auth). Users are
// "name:realm:ha1".
type DigestAuth struct {
	Users        []string `key:"users"`
	UsersFile    string   `key:"usersfile"`
	Realm        string   `key:"realm"`
	RemoveHeader bool     `key:"removeheader"`
	HeaderField  string   `key:"headerfield"`
}

// Kind implements [Middleware].
func (*DigestAuth) Kind() string { return "digestauth" }

// Validate implements [Middleware].
func (d *DigestAuth) Validate() error { return checkUsers(d.Users, d.UsersFile) }

func checkUsers(users []string, file string) error {
	if len(users) == 0 && file == "" {
		return errors.New("there are no users, nor a file of them")
	}
	return nil
}

// ForwardAuth asks another server whether a request may pass.
type ForwardAuth struct {
	Address                  string     `key:"address"`
	TrustForwardHeader       bool       `key:"trustforwardheader"`
	AuthResponseHeaders      []string   `key:"authresponseheaders"`
	AuthResponseHeadersRegex string     `key:"authresponseheadersregex"`
	AuthRequestHeaders       []string   `key:"authrequestheaders"` // empty: all
	AddAuthCookiesToResponse []string   `key:"addauthcookiestoresponse"`
	HeaderField              string     `key:"headerfield"`
	ForwardBody              bool       `key:"forwardbody"`
	MaxBodySize              int64      `key:"maxbodysize"`         // bytes, -1: as much as there may be at all
	MaxResponseBodySize      int64      `key:"maxresponsebodysize"` // bytes, -1: no limit
	PreserveLocationHeader   bool       `key:"preservelocationheader"`
	PreserveRequestMethod    bool       `key:"preserverequestmethod"`
	AuthSigninURL            string     `key:"authsigninurl"`
	TLS                      *ClientTLS `key:"tls"`
}

// ClientTLS is how a server is spoken to over TLS: PEM files, or the PEM text.
type ClientTLS struct {
	CA                 string `key:"ca"`
	CAOptional         bool   `key:"caoptional"`
	Cert               string `key:"cert"`
	Key                string `key:"key"`
	InsecureSkipVerify bool   `key:"insecureskipverify"`
}

// DefaultForwardAuth has the values of what is not said.
func DefaultForwardAuth() *ForwardAuth { return &ForwardAuth{MaxBodySize: -1, MaxResponseBodySize: -1} }

// Kind implements [Middleware].
func (*ForwardAuth) Kind() string { return "forwardauth" }

// Validate implements [Middleware].
func (f *ForwardAuth) Validate() error {
	if f.Address == "" {
		return errors.New("the middleware has no address")
	}
	if f.AuthResponseHeadersRegex != "" {
		return checkRegexp(f.AuthResponseHeadersRegex)
	}
	return nil
}

package middleware

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"

	"github.com/tg123/go-htpasswd"
	"golang.org/x/net/http/httpguts"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// basicAuth asks for a name and a password (RFC 7617).
type basicAuth struct {
	users     *users[credential]
	challenge string
	spec      *spec.BasicAuth
	proven    proven
	// checks bounds how many passwords are hashed at a time: strangers decide
	// how many are asked for, and each may take a tenth of a second.
	checks chan struct{}
}

// credential is a user's password and the text it was made of.
type credential struct {
	htpasswd.EncodedPasswd
	encoded string
}

func newBasicAuth(s *spec.BasicAuth) (*basicAuth, error) {
	if err := checkFieldName(s.HeaderField); err != nil {
		return nil, err
	}
	parsers := []htpasswd.PasswdParser{
		htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptBcrypt, htpasswd.AcceptSsha, htpasswd.AcceptCryptSha,
	}
	if s.AllowPlain {
		parsers = append(parsers, htpasswd.AcceptPlain)
	}
	users, err := newUsers(s.Users, s.UsersFile, s.Refresh, func(line string) (string, credential, error) {
		return parseUser(line, parsers)
	})
	if err != nil && (users == nil || !s.Closed) {
		return nil, err
	}
	realm := s.Realm
	if realm == "" {
		realm = defaultRealm
	}
	return &basicAuth{
		users: users, challenge: "Basic realm=" + quote(realm), spec: s, proven: newProven(),
		checks: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
	}, nil
}

// checkFieldName reports what is no name of a field, other than none.
func checkFieldName(name string) error {
	if name != "" && !httpguts.ValidHeaderFieldName(name) {
		return fmt.Errorf("%q is no name of a field", name)
	}
	return nil
}

const defaultRealm = "traefik"

// parseUser reads a line of a password file. Its errors do not repeat it.
func parseUser(line string, parsers []htpasswd.PasswdParser) (name string, c credential, err error) {
	name, encoded, ok := strings.Cut(strings.TrimSpace(line), ":")
	if !ok || name == "" || encoded == "" {
		return "", c, errors.New("not of the form name:hash")
	}
	for _, parse := range parsers {
		if password, err := parse(encoded); err == nil && password != nil {
			return name, credential{password, encoded}, nil
		}
	}
	return "", c, fmt.Errorf("the hash of %q is %w (bcrypt, apr1, SHA, SSHA, SHA-crypt)", name, errHash)
}

// Serve implements [lb.Middleware].
func (b *basicAuth) Serve(x *lb.Exchange, next lb.Handler) {
	name, password, given := basicCredentials(x.Header.Get("Authorization"))
	if given {
		x.Outcome.Claimed = name
	}
	if !given || !b.check(x, name, password) {
		if b.spec.Once {
			b.refuseOnce(x)
			return
		}
		h := &lb.Header{}
		h.Add("Content-Type", "text/plain; charset=utf-8")
		h.Add("WWW-Authenticate", b.challenge)
		x.Answer(http.StatusUnauthorized, h, "401 Unauthorized\n")
		return
	}
	authenticated(x, name, b.spec.HeaderField, b.spec.RemoveHeader)
	next.Serve(x)
}

// Fault implements [lb.Faulty].
func (b *basicAuth) Fault() (varies bool, err error) { return b.users.fault() }

// refuseOnce asks for credentials only if there are none.
func (b *basicAuth) refuseOnce(x *lb.Exchange) {
	h := &lb.Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	if !x.Header.Has("Authorization") {
		h.Add("WWW-Authenticate", b.challenge)
	}
	x.Answer(http.StatusUnauthorized, h, authorizationFailed)
}

const authorizationFailed = "authorization failed\n"

// authenticated takes note of who the client is, and tells the upstream.
func authenticated(x *lb.Exchange, name, field string, hide bool) {
	x.Outcome.User = name
	if field != "" {
		disown(&x.Header, field)
		x.Header.Add(field, name)
	}
	if hide {
		x.Header.Del("Authorization")
	}
}

// check reports whether the password is the user's. For who is none it takes as
// long as for who is.
func (b *basicAuth) check(x *lb.Exchange, name, password string) bool {
	table, err := b.users.get()
	if err != nil {
		x.Outcome.Err = fmt.Errorf("the users of basicauth: %w", err)
		return false
	}
	user, known := table.users[name]
	if !known {
		for _, user = range table.users {
			break
		}
	}
	proof := b.proven.of(name, password, user.encoded)
	if known && b.proven.has(proof) {
		return true
	}
	select {
	case b.checks <- struct{}{}:
		defer func() { <-b.checks }()
	case <-x.Context().Done():
		return false
	}
	if !user.MatchesPassword(password) || !known {
		return false
	}
	b.proven.add(proof)
	return true
}

// basicCredentials reads the field of RFC 7617.
func basicCredentials(field string) (name, password string, ok bool) {
	scheme, encoded, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return "", "", false
	}
	name, password, ok = strings.Cut(string(decoded), ":")
	// A name may become a field's value.
	return name, password, ok && !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// quote makes a quoted-string (RFC 9110 §5.6.4).
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' && c != '\t' || c == 0x7f:
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// proven remembers which passwords were found right, so that good hashes, which
// are slow on purpose, cost once and not with every request. It knows no
// password: what it keeps is of use in this process alone.
type proven struct {
	key []byte

	mu    *sync.Mutex
	known map[[sha256.Size]byte]struct{}
}

// maxProven bounds what is remembered.
const maxProven = 10_000

func newProven() proven {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return proven{key, new(sync.Mutex), map[[sha256.Size]byte]struct{}{}}
}

func (p proven) of(name, password, encoded string) (proof [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.key)
	for _, text := range []string{name, password, encoded} {
		fmt.Fprintf(mac, "%d:%s", len(text), text)
	}
	mac.Sum(proof[:0])
	return proof
}

func (p proven) has(proof [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.known[proof]
	return ok
}

func (p proven) add(proof [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxProven {
		clear(p.known)
	}
	p.known[proof] = struct{}{}
}

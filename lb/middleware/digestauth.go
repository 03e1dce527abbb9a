package middleware

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // what the scheme is made of
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// digestAuth asks for a digest of name, realm and password (RFC 7616, with MD5
// and qop=auth, as the users' files have it).
type digestAuth struct {
	users         *users[string] // HA1 by name
	realm, opaque string
	spec          *spec.DigestAuth
	nonces        *nonces
}

func newDigestAuth(s *spec.DigestAuth) (*digestAuth, error) {
	if err := checkFieldName(s.HeaderField); err != nil {
		return nil, err
	}
	realm := s.Realm
	if realm == "" {
		realm = defaultRealm
	}
	users, err := newUsers(s.Users, s.UsersFile, 0, func(line string) (string, string, error) {
		return parseDigestUser(line, realm)
	})
	if err != nil {
		return nil, err
	}
	return &digestAuth{users: users, realm: realm, opaque: rand.Text(), spec: s, nonces: newNonces()}, nil
}

// Fault implements [lb.Faulty].
func (d *digestAuth) Fault() (varies bool, err error) { return d.users.fault() }

func parseDigestUser(line, realm string) (name, ha1 string, err error) {
	parts := strings.Split(strings.TrimSpace(line), ":")
	if len(parts) != 3 || parts[0] == "" || len(parts[2]) != 2*md5.Size {
		return "", "", errors.New("not of the form name:realm:ha1")
	}
	if parts[1] != realm {
		return "", "", fmt.Errorf("%w: %q is a user of the realm %q, not of %q", errOtherRealm, parts[0], parts[1], realm)
	}
	return parts[0], strings.ToLower(parts[2]), nil
}

// Serve implements [lb.Middleware].
func (d *digestAuth) Serve(x *lb.Exchange, next lb.Handler) {
	name, stale, ok := d.check(x)
	if !ok {
		x.Outcome.Claimed = name
		h := &lb.Header{}
		h.Add("Content-Type", "text/plain; charset=utf-8")
		challenge := fmt.Sprintf("Digest realm=%s, nonce=%q, opaque=%q, algorithm=MD5, qop=\"auth\"",
			quote(d.realm), d.nonces.make(time.Now()), d.opaque)
		if stale {
			challenge += ", stale=true"
		}
		h.Add("WWW-Authenticate", challenge)
		x.Answer(http.StatusUnauthorized, h, "401 Unauthorized\n")
		return
	}
	authenticated(x, name, d.spec.HeaderField, d.spec.RemoveHeader)
	next.Serve(x)
}

// check verifies the client's digest, and returns the name it is said to be of in
// any case. stale says that it is right, but of a nonce that is too old.
func (d *digestAuth) check(x *lb.Exchange) (name string, stale, ok bool) {
	p, ok := digestParameters(x.Header.Get("Authorization"))
	name = p["username"]
	if !ok || p["qop"] != "auth" || p["opaque"] != d.opaque || p["realm"] != d.realm ||
		p["algorithm"] != "" && !strings.EqualFold(p["algorithm"], "MD5") {
		return name, false, false
	}
	if p["uri"] != x.SentPath+x.SentQuery {
		return name, false, false
	}
	table, err := d.users.get()
	if err != nil {
		x.Outcome.Err = fmt.Errorf("the users of digestauth: %w", err)
		return name, false, false
	}
	ha1, known := table.users[name]
	ha2 := md5Hex(x.Request.Method + ":" + p["uri"])
	want := md5Hex(strings.Join([]string{ha1, p["nonce"], p["nc"], p["cnonce"], p["qop"], ha2}, ":"))
	if !hmac.Equal([]byte(want), []byte(strings.ToLower(p["response"]))) || !known {
		return name, false, false
	}
	count, err := strconv.ParseUint(p["nc"], 16, 64)
	if err != nil {
		return name, false, false
	}
	fresh, valid := d.nonces.use(p["nonce"], count, time.Now())
	return name, valid && !fresh, valid && fresh
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // what the scheme is made of
	return hex.EncodeToString(sum[:])
}

// digestParameters reads the credentials of the scheme Digest.
func digestParameters(field string) (map[string]string, bool) {
	scheme, rest, ok := strings.Cut(field, " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return nil, false
	}
	parameters := map[string]string{}
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimLeft(rest, ", \t") {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return nil, false
		}
		name = strings.ToLower(strings.TrimSpace(name))
		if _, twice := parameters[name]; twice {
			return nil, false
		}
		parameters[name], rest, ok = digestValue(strings.TrimLeft(after, " \t"))
		if !ok {
			return nil, false
		}
	}
	return parameters, true
}

// digestValue reads a token or a quoted-string.
func digestValue(text string) (value, rest string, ok bool) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexByte(text, ',')
		if end < 0 {
			end = len(text)
		}
		return strings.TrimSpace(text[:end]), text[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

// nonces makes nonces that tell their age and that nobody else can make, and
// sees to it that no count of one is used twice.
type nonces struct {
	key []byte

	mu   sync.Mutex
	used map[string]uint64 // the highest count
	// Nonces made before since are too old, whatever their age.
	since time.Time
}

const (
	nonceAge  = 5 * time.Minute
	maxNonces = 10_000
)

func newNonces() *nonces {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return &nonces{key: key, used: map[string]uint64{}}
}

func (n *nonces) make(now time.Time) string {
	return n.sign(strconv.FormatInt(now.UnixNano(), 36))
}

func (n *nonces) sign(stamp string) string {
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(stamp))
	return stamp + "." + hex.EncodeToString(mac.Sum(nil)[:16])
}

// use takes note of a count of a nonce. It is valid if it is one of ours, of
// which that count was not used; fresh if it is not too old.
func (n *nonces) use(nonce string, count uint64, now time.Time) (fresh, valid bool) {
	stamp, _, _ := strings.Cut(nonce, ".")
	if !hmac.Equal([]byte(n.sign(stamp)), []byte(nonce)) {
		return false, false
	}
	made, err := strconv.ParseInt(stamp, 36, 64)
	if err != nil || now.Sub(time.Unix(0, made)) > nonceAge {
		return false, err == nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	last, known := n.used[nonce]
	if count <= last || time.Unix(0, made).Before(n.since) {
		return false, true // a replay; or else the client takes a new one
	}
	if !known && len(n.used) >= maxNonces {
		clear(n.used)
		n.since = now
		return false, true
	}
	n.used[strings.Clone(nonce)] = count
	return true, true
}

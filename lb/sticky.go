package lb

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// sticky has a client's requests go where its first one went, by a cookie. It is
// nil for pools that do not care.
type sticky struct {
	cookie
	targets map[string]*target.Target // by the cookie's value
}

// newSticky makes the cookie of a pool. Its values tell nothing of addresses.
func newSticky(c *spec.Cookie, p *target.Pool) *sticky {
	s := &sticky{cookie: newCookie(c, p.Name()), targets: make(map[string]*target.Target, p.Len())}
	for _, t := range p.Targets() {
		s.targets[cookieValue(t.Key().String())] = t
	}
	return s
}

// cookie tells a client where its requests go.
type cookie struct {
	name       string
	attributes string // what follows the value
}

// newCookie makes that of a pool, by its name.
func newCookie(c *spec.Cookie, pool string) cookie {
	s := cookie{name: cookieName(c.Name, pool)}
	path := c.Path
	if path == "" {
		path = "/"
	}
	s.attributes = "; Path=" + path
	if c.Domain != "" {
		s.attributes += "; Domain=" + c.Domain
	}
	if c.MaxAge != 0 {
		s.attributes += fmt.Sprintf("; Max-Age=%d", max(0, c.MaxAge))
	}
	if c.HTTPOnly {
		s.attributes += "; HttpOnly"
	}
	if c.Secure {
		s.attributes += "; Secure"
	}
	switch c.SameSite {
	case "none":
		s.attributes += "; SameSite=None"
	case "lax":
		s.attributes += "; SameSite=Lax"
	case "strict":
		s.attributes += "; SameSite=Strict"
	}
	return s
}

// cookieName is the name given, of letters cookies may have, or one made of the
// pool's.
func cookieName(name, pool string) string {
	if name == "" {
		sum := sha256.Sum256([]byte(pool))
		return "_" + hex.EncodeToString(sum[:])[:5]
	}
	return strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && !strings.ContainsRune(`()<>@,;:\"/[]?={}`, c) {
			return c
		}
		return '_'
	}, name)
}

// cookieValue stands for a place. It is the value Traefik gives a server of that
// URL, so that clients stay where they are when sluice takes over.
func cookieValue(place string) string {
	sum := sha256.Sum256([]byte(place))
	return hex.EncodeToString(sum[:8])
}

// values are those of the client's cookies of that name.
func (c *cookie) values(x *Exchange) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range x.Header.Values("Cookie") {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
				if name == c.name && !yield(value) {
					return
				}
			}
		}
	}
}

// set tells the client where to go next time.
func (c *cookie) set(h *Header, value string) {
	h.Add("Set-Cookie", c.name+"="+value+c.attributes)
}

// find is the target the client's cookie tells of, nil if it is not there any
// more or does not take requests.
func (s *sticky) find(x *Exchange, p *target.Pool) *target.Target {
	for value := range s.values(x) {
		if t := s.targets[value]; t != nil && p.Takes(t) {
			return t
		}
	}
	return nil
}

// pick picks the target of an exchange, if that was not done to find its variant.
// fresh says that the client is to be told of it.
func (r *Route) pick(x *Exchange) (t *target.Target, fresh bool) {
	if r.variants != nil {
		if t, fresh = x.picked.target, x.picked.fresh; t == nil { // it had its chance, and the request is tried again
			t, fresh = r.Pool.PickOf(r.own()), r.sticky != nil
		}
		x.picked = picked{}
		return t, fresh
	}
	return r.choose(x)
}

func (r *Route) choose(x *Exchange) (t *target.Target, fresh bool) {
	if r.sticky != nil {
		if t := r.sticky.find(x, r.Pool); t != nil {
			r.Pool.Count()
			return t, false
		}
	}
	var affinity uint64
	if r.Pool.HasAffinity() {
		affinity = r.affinity().of(x)
	}
	return r.Pool.Pick(affinity), r.sticky != nil
}

package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

func TestSticky(t *testing.T) {
	members := []target.Member{{Key: target.Key{Scheme: "http", Address: "a:1"}, Weight: 1}, {Key: target.Key{Scheme: "http", Address: "b:1"}, Weight: 1}}
	p := target.NewRegistry(nil).Pool("web@traefik", members, target.Policy{Watched: true})
	r := &Route{Linked: Linked{Pool: p}, sticky: newSticky(&spec.Cookie{Name: "wh ere", Secure: true, HTTPOnly: true, SameSite: "lax", MaxAge: 60, Domain: "x.test"}, p)}
	ask := func(cookie string) (*target.Target, string) {
		x := &Exchange{}
		if cookie != "" {
			x.Header.Add("Cookie", "other=1; "+cookie)
		}
		picked, fresh := r.pick(x)
		if !fresh {
			return picked, ""
		}
		h := &Header{}
		r.sticky.set(h, cookieValue(picked.Key().String()))
		return picked, h.Get("Set-Cookie")
	}
	first, set := ask("")
	cookie, attributes, _ := strings.Cut(set, ";")
	if attributes != " Path=/; Domain=x.test; Max-Age=60; HttpOnly; Secure; SameSite=Lax" || !strings.HasPrefix(cookie, "wh_ere=") {
		t.Errorf("cookie %q", set)
	}
	if strings.Contains(set, "a:1") {
		t.Errorf("the cookie tells an address: %q", set)
	}
	for range 4 {
		if again, set := ask(cookie); again != first || set != "" {
			t.Errorf("sent to %v, cookie %q", again.Key(), set)
		}
	}
	if _, set := ask("wh_ere=unknown"); set == "" {
		t.Error("an unknown value is not replaced")
	}
	p.SetUp(first, false)
	if other, set := ask(cookie); other == first || set == "" {
		t.Errorf("sent to the one that is down; cookie %q", set)
	}
}

func TestCookieNames(t *testing.T) {
	if a, b := cookieName("", "a"), cookieName("", "b"); a == b || len(a) != 6 || a[0] != '_' {
		t.Errorf("made names %q and %q", a, b)
	}
	if name := cookieName("a=b;c\nd", "a"); name != "a_b_c_d" {
		t.Errorf("name %q", name)
	}
}

// TestCookieValue: clients with a cookie of Traefik stay where they are.
func TestCookieValue(t *testing.T) {
	if got, want := cookieValue("http://127.0.0.1:8080"), "d30a576c03187167"; got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

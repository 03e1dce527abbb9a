package consul

import (
	"net/http"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// FuzzDecode checks that no answer makes a decoder panic, or return a value of
// another type than the query's.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{``, `null`, `[]`, `{}`, `[null]`, `[{"Checks":[{}]}]`, `{"a":null}`, `{"Node":{},"Services":{"x":{}}}`, `{"Nodes":[{}]}`, `[{"Value":"dgA="}]`, `["a"]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		check(t, decodeServices, watch.Services{}, body)
		check(t, decodeHealth, watch.Health{}, body)
		check(t, decodeKey, watch.Key{}, body)
		check(t, decodePairs, watch.Prefix{}, body)
		check(t, decodeKeys, watch.Keys{}, body)
		check(t, decodeNodes, watch.Nodes{}, body)
		check(t, decodeNode, watch.Node{}, body)
		check(t, decodePrepared, watch.PreparedQuery{}, body)
	})
}

func check[A any](t *testing.T, decode func([]byte) (any, int, error), q watch.For[A], body []byte) {
	value, size, err := decode(body)
	if err != nil {
		return
	}
	if _, ok := value.(A); !ok {
		t.Errorf("%s: the value of %q is a %T", q, body, value)
	}
	if size < 0 {
		t.Errorf("%s: %d things", q, size)
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:8500", "https://h/p", "unix:///x", "http://u:p@h", "[::1]:1", "://", "http://%zz"} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, ssl bool) {
		a, err := parseAddress(text, ssl)
		if err != nil {
			return
		}
		if _, err := http.NewRequest(http.MethodGet, a.base+"/v1/x", nil); err != nil {
			t.Errorf("%q is accepted, but %q cannot be asked: %v", text, a.base, err)
		}
		if ssl && !a.tls {
			t.Errorf("%q drops TLS", text)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"7":                             7 * time.Second,
		"-7":                            0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
		"99999999":                      time.Hour,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

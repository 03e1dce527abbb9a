package middleware

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestRegistryKeepsWhatIsInUse(t *testing.T) {
	r := NewRegistry()
	make := func(owner string, amount int64) lb.Middleware {
		m, err := r.Middleware(owner, &spec.InFlight{Amount: amount})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	first := make("a", 1)
	if make("a", 1) != first {
		t.Error("an equal spec made another middleware")
	}
	if make("b", 1) == first {
		t.Error("another owner got the same middleware")
	}
	if make("a", 2) == first {
		t.Error("another spec got the same middleware")
	}
	runtime.KeepAlive(first)
}

func TestRegistryForgetsWhatIsNot(t *testing.T) {
	r := NewRegistry()
	for _, owner := range []string{"a", "b"} {
		if _, err := r.Middleware(owner, &spec.InFlight{Amount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	count := func() int {
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.made)
	}
	for deadline := time.Now().Add(time.Minute); count() > 0; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatalf("%d middlewares are remembered that nobody has", count())
		}
	}
}

func TestRegistryErrors(t *testing.T) {
	for _, test := range []struct {
		spec spec.Middleware
		want string
	}{
		{spec.ReplacePath{}, "no path"},
		{spec.StripPrefixRegex{Regex: []string{"("}}, "missing closing )"},
		{spec.StripPrefixRegex{Regex: []string{strings.Repeat("a", 5000)}}, "more than 4096 bytes"},
		{&spec.Headers{}, "nothing is set"},
		{&spec.Headers{Request: map[string]string{"a b": "x"}}, `"a b" is no name of a field`},
		{&spec.Headers{Response: map[string]string{"X": "a\nb"}}, `field "X" cannot hold the end of a line`},
		{&spec.Headers{Response: map[string]string{"content-length": "1"}}, "set by the load balancer alone"},
		{&spec.Headers{ReferrerPolicy: "a\r\nb"}, "the value of Referrer-Policy cannot be sent"},
		{&spec.Headers{AllowOriginListRegex: []string{"["}}, "missing closing ]"},
		{&spec.BasicAuth{}, "no users"},
		{&spec.BasicAuth{Users: []string{"a"}}, "not of the form name:hash"},
		{&spec.BasicAuth{Users: []string{"a:secret"}}, `the hash of "a" is of no known form`},
		{&spec.BasicAuth{UsersFile: "/nonexistent"}, "no such file"},
		{&spec.DigestAuth{Users: []string{"a:b"}}, "not of the form name:realm:ha1"},
		{&spec.DigestAuth{Users: []string{"a:b:" + strings.Repeat("0", 32)}}, `a user of the realm "b", not of "traefik"`},
		{&spec.ForwardAuth{}, "no address"},
		{&spec.ForwardAuth{Address: "auth:80"}, "no http or https URL"},
		{&spec.IPAllowList{}, "no source ranges"},
		{&spec.IPAllowList{SourceRange: []string{"10.0.0.0/40"}}, "neither an address nor a CIDR"},
		{&spec.IPAllowList{SourceRange: []string{"::1"}, IPStrategy: &spec.IPStrategy{Depth: -1}}, "the depth must be 0 or more"},
		{&spec.RateLimit{Average: -1}, "cannot be below 0"},
		{&spec.InFlight{}, "must be above 0"},
		{&spec.Compress{Encodings: []string{"lzw"}}, `"lzw" is no encoding known here`},
		{&spec.Compress{ExcludedContentTypes: []string{"/"}}, `"/" is no media type`},
		{&spec.Compress{ExcludedContentTypes: []string{"a/b"}, IncludedContentTypes: []string{"a/b"}}, "not both"},
		{&spec.Retry{}, "attempts must be above 0"},
		{&spec.Retry{Attempts: 2, Status: []string{"5xx"}}, `"5xx" is no status`},
		{&spec.CircuitBreaker{}, "no expression"},
		{&spec.CircuitBreaker{Expression: "Errors() > 1"}, "there is no function Errors"},
		{&spec.CircuitBreaker{Expression: "NetworkErrorRatio()"}, "must be compared"},
		{&spec.CircuitBreaker{Expression: "NetworkErrorRatio() + 1"}, "no comparison"},
		{&spec.CircuitBreaker{Expression: "ResponseCodeRatio(1) > 1"}, "takes 4 arguments, not 1"},
		{&spec.Buffering{RetryExpression: "Attempts("}, "expected"},
		{&spec.Buffering{MaxRequestBody: -1}, "below 0"},
		{spec.StripPrefix{Prefixes: []string{"/x"}}, "there are no middlewares of kind stripprefix"}, // it is the load balancer's own
	} {
		_, err := NewRegistry().Middleware("test", test.spec)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want %q in it", test.spec, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: the error tells a password: %v", test.spec, err)
		}
	}
}

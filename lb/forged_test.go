package lb

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
)

// A rule goes by what a proxy tells of the client only if the proxy is trusted.
func TestRulesDoNotGoByForgedFields(t *testing.T) {
	address := httpBackend(t, echo)
	forwarded := func(r *Route) {
		r.Match = match.And{match.PathPrefix{Text: "/"}, match.Header{Name: "X-Forwarded-Proto", Value: "https"}}
	}
	for name, test := range map[string]struct {
		trusted []netip.Prefix
		want    int
	}{
		"a stranger":      {nil, http.StatusNotFound},
		"a trusted proxy": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, http.StatusOK},
	} {
		r := start(t, func(o *ServerOptions) { o.TrustedProxies = test.trusted }, testRoute{prefix: "/", backends: []string{address}, change: forwarded})
		for _, field := range []string{"X-Forwarded-Proto", "x_forwarded-proto"} {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url("/"), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header[field] = []string{"https"}
			answer, err := client(t).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if want := test.want; field == "X-Forwarded-Proto" && answer.StatusCode != want {
				t.Errorf("%s: answered %d, want %d", name, answer.StatusCode, want)
			} else if field != "X-Forwarded-Proto" && answer.StatusCode != http.StatusNotFound {
				t.Errorf("%s: a field of another name was taken: %d", name, answer.StatusCode)
			}
		}
	}
}

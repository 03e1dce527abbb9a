package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// fabio owns what begins with /api/routes.
type fabio struct{}

func (fabio) Owns(r *http.Request) bool { return strings.HasPrefix(r.URL.String(), "/api/routes") }

func (fabio) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fmt.Fprint(w, "fabio ", r.Method, " ", r.URL.Path)
}

func TestFabio(t *testing.T) {
	o := everything()
	o.Fabio = fabio{}
	s := start(t, o)
	for _, test := range []struct{ method, target, body string }{
		{"PUT", "/api/routes?raw", "fabio PUT /api/routes"},
		{"GET", "/nothing", "fabio GET /nothing"},
		{"GET", "/healthz", "ok\n"},
	} {
		if _, body := ask(t, s, test.method, test.target, ""); body != test.body {
			t.Errorf("%s %s: %q", test.method, test.target, body)
		}
	}
	if answer, body := ask(t, s, "GET", "/nothing", "evil.example"); answer.StatusCode != http.StatusForbidden {
		t.Error("under the name of another host:", answer.Status, body)
	}
}

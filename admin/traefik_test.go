package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestTraefik(t *testing.T) {
	o := everything()
	o.Traefik = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "traefik ", r.Method, " ", r.URL.Path) })
	s := start(t, o)
	for target, want := range map[string]string{
		"/api/rawdata": "traefik GET /api/rawdata", "/api/http/routers/a@b": "traefik GET /api/http/routers/a@b", "/api/version": "traefik GET /api/version",
		"/healthz": "ok\n",
	} {
		if _, body := ask(t, s, "GET", target, ""); body != want {
			t.Errorf("%s: %q", target, body)
		}
	}
	for _, target := range []string{"/api/routes", "/api/httpx", "/rawdata"} {
		if _, body := ask(t, s, "GET", target, ""); strings.HasPrefix(body, "traefik") {
			t.Errorf("%s: %q", target, body)
		}
	}
	if answer, body := ask(t, s, "GET", "/api/rawdata", "evil.example"); answer.StatusCode != http.StatusForbidden {
		t.Error("under the name of another host:", answer.Status, body)
	}
}

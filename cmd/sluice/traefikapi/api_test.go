package traefikapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// A list has pages, of which the last leads to the first.
func TestTraefikPages(t *testing.T) {
	var all []map[string]any
	for i := range 5 {
		all = append(all, map[string]any{"name": fmt.Sprint(i)})
	}
	for query, want := range map[string]string{
		"":                       `200 next 1 [{"name":"0"},{"name":"1"},{"name":"2"},{"name":"3"},{"name":"4"}]`,
		"per_page=2":             `200 next 2 [{"name":"0"},{"name":"1"}]`,
		"per_page=2&page=2":      `200 next 3 [{"name":"2"},{"name":"3"}]`,
		"per_page=2&page=3":      `200 next 1 [{"name":"4"}]`,
		"per_page=5":             `200 next 1 [{"name":"0"},{"name":"1"},{"name":"2"},{"name":"3"},{"name":"4"}]`,
		"per_page=2&page=4":      `400 next  {"message":"invalid request: page: 4, per_page: 2"}`,
		"page=0":                 `400 next  {"message":"invalid request: page: 0"}`,
		"per_page=x":             `400 next  {"message":"invalid request: per_page: x"}`,
		"per_page=9999999999999": `400 next  {"message":"invalid request: per_page: 9999999999999"}`,
	} {
		w := httptest.NewRecorder()
		writeList(w, httptest.NewRequest(http.MethodGet, "/api/http/routers?"+query, nil), all)
		if got := fmt.Sprintf("%d next %s %s", w.Code, w.Header().Get("X-Next-Page"), strings.TrimSpace(w.Body.String())); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
	w := httptest.NewRecorder()
	writeList(w, httptest.NewRequest(http.MethodGet, "/", nil), []map[string]any{})
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != "[]" {
		t.Errorf("nothing: %d %s", w.Code, got)
	}
}

func TestTraefikSearch(t *testing.T) {
	o := newObject("Web@consulcatalog")
	o.rule, o.service, o.middlewares = "Host(`shop.test`)", "cart", []string{"auth@file"}
	for query, want := range map[string]bool{
		"": true, "search=WEB": true, "search=Shop": true, "search=cart": false, "status=ENABLED": true, "status=disabled": false,
		"search=web&status=warning": false, "serviceName=cart": true, "serviceName=cart@consulcatalog": true, "serviceName=other": false,
		"middlewareName=auth@file": true, "middlewareName=auth": false,
	} {
		asked, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.isWanted("Web@consulcatalog", asked); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// Nothing can be changed, and what is not there is told.
func TestTraefikAPIOfNothing(t *testing.T) {
	for request, want := range map[string]int{"POST /api/version": 405, "PUT /api/http/routers": 405, "GET /api/version": 200, "HEAD /api/version": 200, "GET /api/http": 404, "GET /api/entrypoints/x": 404, "GET /api/entrypoints": 200} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		(&api{config: config.DefaultConfig()}).ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if w.Code != want || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s: %d %s", request, w.Code, w.Body)
		}
	}
}

// Options are told in Traefik's words, without what is a secret.
func TestTraefikOptions(t *testing.T) {
	for want, of := range map[string]any{
		`{"realm":"r","removeHeader":true,"users":["bob:redacted","redacted"]}`: &spec.BasicAuth{Users: []string{"bob:planted", "planted"}, Realm: "r", RemoveHeader: true},
		`{"address":"http://redacted@h/x","authResponseHeaders":["A"],"maxBodySize":-1,"maxResponseBodySize":-1,"tls":{"cert":"c.pem","key":"redacted"}}`: &spec.ForwardAuth{
			Address: "http://bob:planted@h/x", AuthResponseHeaders: []string{"A"}, MaxBodySize: -1, MaxResponseBodySize: -1,
			TLS: &spec.ClientTLS{Cert: "c.pem", Key: "planted"},
		},
		`{"average":1,"redis":{"endpoints":["r:1"],"password":"redacted","username":"u"}}`: &spec.RateLimit{
			Average: 1, Redis: &spec.Redis{Endpoints: []string{"r:1"}, Username: "u", Password: "planted"},
		},
		`{"customRequestHeaders":{"X":"redacted"},"customResponseHeaders":{"Y":"shown"}}`: &spec.Headers{
			Request: map[string]string{"X": "planted"}, Response: map[string]string{"Y": "shown"},
		},
		`{"weighted":{"services":[{"name":"a","weight":1},{"name":"b"}]}}`: &spec.Composition{
			Weighted: &spec.Weighted{Services: []spec.WeightedService{{Name: "a", Weight: 1}, {Name: "b"}}},
		},
		`{"address":"http://h/x?redacted"}`:                    &spec.ForwardAuth{Address: "http://h/x?token=planted"},
		`{"address":"redacted"}`:                               &spec.ForwardAuth{Address: "http://bob:planted%zz@h/x"},
		`{"jwksurl":"https://redacted@h/keys?redacted"}`:       &spec.JWT{JWKSURL: "https://bob:planted@h/keys?token=planted"},
		`{"regex":"^a(.*)","replacement":"https://h/$1?b=$2"}`: spec.RedirectRegex{Regex: "^a(.*)", Replacement: "https://h/$1?b=$2"},
		`{"prefixes":["/a"]}`:                                  spec.StripPrefix{Prefixes: []string{"/a"}},
	} {
		text, err := json.Marshal(optionsOf(of))
		if err != nil || string(text) != want {
			t.Errorf("%s, error %v, want %s", text, err, want)
		}
	}
}

// What any kind of middleware has for a secret is not told.
func TestTraefikOptionsOfAllKinds(t *testing.T) {
	for _, kind := range spec.Kinds() {
		draft, _ := spec.NewDraft(kind)
		for _, secret := range []string{"users", "key", "secret", "tls.key", "redis.password", "customrequestheaders.X", "headers.X", "claims.X"} {
			_ = draft.Set(strings.Split(secret, "."), "planted") // where there is one
		}
		text, err := json.Marshal(optionsOf(draft.Target()))
		if err != nil || strings.Contains(strings.ReplaceAll(string(text), `"planted:redacted"`, ""), "planted") {
			t.Errorf("%s: %s, error %v", kind, text, err)
		}
	}
	if !slices.Contains(spec.Kinds(), "jwt") {
		t.Error("there is no jwt")
	}
}

// What is wrong with a router is told of that of its protocol, whatever others of the
// same name there are.
func TestTraefikProblemOfOneProtocol(t *testing.T) {
	for range 20 { // as often as maps are in another order
		for _, protocol := range allProtocols {
			m := newModel(nil, nil, func([]string, string) []string { return nil })
			for _, other := range allProtocols {
				m.of[other].routers["db@consulcatalog"] = newObject("db@consulcatalog")
			}
			m.problem(tags.Problem{Route: "db", Tag: "traefik." + protocol + ".routers.db.rule=x", Reason: "no rule"})
			for other, objects := range m.of {
				if failed := objects.routers["db@consulcatalog"].status != statusEnabled; failed != (other == protocol) {
					t.Errorf("a problem of %s: that of %s has failed: %t", protocol, other, failed)
				}
			}
		}
	}
}

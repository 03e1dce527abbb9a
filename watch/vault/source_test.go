package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const planted = "hvs.planted-token"

type object = map[string]any

// fake answers as Vault's HTTP API is documented to (developer.hashicorp.com,
// "HTTP API", "KV secrets engine", "/sys/leases", "/auth/token"): a JSON
// envelope, errors as {"errors": [...]}, lists asked for by GET with list=true,
// X-Vault-Token and X-Vault-Namespace. It is its own transport, so that it works
// in synthetic time.
type fake struct {
	mu       sync.Mutex
	answers  map[string]func(body object) (int, object) // by method and path
	requests []string                                   // method, path, query, token and body
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var text []byte
	if r.Body != nil {
		text, _ = io.ReadAll(r.Body)
	}
	call := r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/v1/")
	f.requests = append(f.requests, strings.TrimSpace(call+" "+r.Header.Get("X-Vault-Token")+" "+string(text)))
	w := httptest.NewRecorder()
	answer, ok := f.answers[call]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(object{"errors": []string{}})
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}
	var body object
	_ = json.Unmarshal(text, &body)
	status, out := answer(body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if out != nil {
		_ = json.NewEncoder(w).Encode(out)
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// count is how many requests began so.
func (f *fake) count(prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

func always(status int, out object) func(object) (int, object) {
	return func(object) (int, object) { return status, out }
}

// withMounts adds what tells a store's version.
func withMounts(f *fake) *fake {
	two := always(200, object{"data": object{"path": "secret/", "type": "kv", "options": object{"version": "2"}}})
	one := always(200, object{"data": object{"path": "old/", "type": "kv", "options": nil}})
	for path, answer := range map[string]func(object) (int, object){
		"secret/app": two, "secret/data/app": two, "secret/gone": two, "secret": two, "old/app": one,
		"secret/metadata/app": two,
	} {
		f.answers["GET sys/internal/ui/mounts/"+path] = answer
	}
	return f
}

func newTestSource(t *testing.T, f *fake, change func(*Config)) (*Source, *bytes.Buffer) {
	t.Helper()
	var logged bytes.Buffer
	c := Config{Target: dial.Target{Address: "http://vault.test:8200"}, Token: planted, Logger: slog.New(slog.NewTextHandler(&logged, nil))}
	if change != nil {
		change(&c)
	}
	s, err := newSource(c, &http.Client{Transport: f})
	if err != nil {
		t.Fatal(err)
	}
	return s, &logged
}

func fetch(t *testing.T, s *Source, q watch.Query) watch.Reply {
	t.Helper()
	reply, err := s.Fetch(t.Context(), watch.Request{Query: q})
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	return reply
}

func TestFetch_KV(t *testing.T) {
	versioned := object{"request_id": "r", "data": object{"data": object{"k": "v"}, "metadata": object{"version": 3, "deletion_time": ""}}}
	f := withMounts(&fake{answers: map[string]func(object) (int, object){
		"GET secret/data/app":           always(200, versioned),
		"GET secret/data/app?version=2": always(200, versioned),
		"GET secret/metadata/app":       always(200, object{"data": object{"max_versions": 5}}),
		"GET old/app":                   always(200, object{"data": object{"k": "v1"}, "lease_duration": 3600}),
		"PUT secret/data/app":           always(200, object{"data": object{"version": 4}}),
		"PUT old/app":                   always(204, nil),
		"GET secret/metadata?list=true": always(200, object{"data": object{"keys": []string{"b", "a/"}}}),
	}})
	s, _ := newTestSource(t, f, nil)
	number := func(n string) json.Number { return json.Number(n) }
	data := object{"data": object{"k": "v"}, "metadata": object{"version": number("3"), "deletion_time": ""}}
	for _, test := range []struct {
		query watch.Query
		want  any
		calls string
	}{
		{watch.VaultSecret{Path: "secret/app"}, &watch.Secret{RequestID: "r", Data: data}, "GET secret/data/app " + planted},
		{watch.VaultSecret{Path: "secret/data/app"}, &watch.Secret{RequestID: "r", Data: data}, "GET secret/data/app " + planted},
		{watch.VaultSecret{Path: "secret/metadata/app"}, &watch.Secret{Data: object{"max_versions": number("5")}}, "GET secret/metadata/app " + planted},
		{watch.VaultSecret{Path: "secret/app", Params: "version=2"}, &watch.Secret{RequestID: "r", Data: data}, "GET secret/data/app?version=2 " + planted},
		{watch.VaultSecret{Path: "old/app"}, &watch.Secret{Data: object{"k": "v1"}, LeaseDuration: 3600}, "GET old/app " + planted},
		{watch.VaultSecret{Path: "secret/app", Write: true, Data: `{"a":"b"}`}, &watch.Secret{Data: object{"version": number("4")}},
			"PUT secret/data/app " + planted + ` {"data":{"a":"b"}}`},
		{watch.VaultSecret{Path: "old/app", Write: true, Data: `{"a":"b"}`}, (*watch.Secret)(nil), "PUT old/app " + planted + ` {"a":"b"}`},
		{watch.VaultList{Path: "secret"}, []string{"a/", "b"}, "GET secret/metadata?list=true " + planted},
		{watch.VaultList{Path: "none"}, []string(nil), "GET none?list=true " + planted},
	} {
		if !s.Answers(test.query) {
			t.Errorf("%s: not answered", test.query)
		}
		reply, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if diff := cmp.Diff(test.want, reply.Value); diff != "" || reply.Index != 0 || reply.Poll <= 0 {
			t.Errorf("%s: poll %v, -want +got:\n%s", test.query, reply.Poll, diff)
		}
		if last := f.requests[len(f.requests)-1]; last != test.calls {
			t.Errorf("%s:\ngot  %s\nwant %s", test.query, last, test.calls)
		}
	}
	if s.Answers(watch.Key{}) {
		t.Error("Vault answers for Consul")
	}
}

func TestFetch_Errors(t *testing.T) {
	deleted := object{"data": object{"data": nil, "metadata": object{"deletion_time": "2020-01-01T00:00:00Z"}}}
	f := withMounts(&fake{answers: map[string]func(object) (int, object){
		"GET secret/data/gone": always(404, deleted),
		"GET old/app":          always(403, object{"errors": []string{"permission denied for " + planted}}),
		"PUT old/app":          always(400, object{"errors": []string{`bad value "hush-hush"`}}),
		"GET secret/data/app":  always(503, object{"errors": []string{"Vault is sealed"}}),
		"GET sys/internal/ui/mounts/secret/broken": always(500, object{"errors": []string{"internal"}}),
	}})
	s, logged := newTestSource(t, f, nil)
	for _, test := range []struct {
		query watch.Query
		kind  error // nil is an outage
		want  string
	}{
		{watch.VaultSecret{Path: "secret/gone"}, watch.ErrNotFound, "no secret is at secret/data/gone"},
		{watch.VaultSecret{Path: "never"}, watch.ErrNotFound, "never"},
		{watch.VaultSecret{Path: "old/app"}, watch.ErrDenied, "403 Forbidden: permission denied for ***"},
		{watch.VaultSecret{Path: "old/app", Write: true, Data: `{"k":"hush-hush"}`}, nil, `400 Bad Request: bad value "***"`},
		{watch.VaultSecret{Path: "secret/app"}, nil, "Vault is sealed"},
		{watch.VaultSecret{Path: "secret/broken"}, nil, "500"},
	} {
		_, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v", test.query, err)
			continue
		}
		for _, kind := range []error{watch.ErrDenied, watch.ErrNotFound} {
			if errors.Is(err, kind) != errors.Is(test.kind, kind) {
				t.Errorf("%s: is %v: %v", test.query, kind, err)
			}
		}
		if text := err.Error() + logged.String(); strings.Contains(text, planted) || strings.Contains(text, "hush-hush") {
			t.Errorf("a secret is in: %s", text)
		}
	}
}

// Dynamic credentials stay the same as long as their lease can be renewed, and
// are made anew before it ends for good.
func TestLeases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		made, left := 0, 3
		f := &fake{}
		f.answers = map[string]func(object) (int, object){
			"GET database/creds/app": func(object) (int, object) {
				made++
				return 200, object{"lease_id": "lease", "lease_duration": 3600, "renewable": true, "data": object{"n": made}}
			},
			"PUT sys/leases/renew": func(body object) (int, object) {
				if body["lease_id"] != "lease" || body["increment"] != float64(3600) {
					return 400, object{"errors": []string{"bad request"}}
				}
				if left--; left == 0 {
					return 200, object{"lease_id": "lease", "lease_duration": 600, "renewable": true}
				}
				return 200, object{"lease_id": "lease", "lease_duration": 3600, "renewable": true}
			},
		}
		s, _ := newTestSource(t, f, nil)
		q := watch.VaultSecret{Path: "database/creds/app"}
		first := fetch(t, s, q)
		if first.Poll < 36*time.Minute || first.Poll > 42*time.Minute {
			t.Errorf("renews after %v of an hour", first.Poll)
		}
		time.Sleep(time.Minute) // early: whoever asks gets what there is
		if again := fetch(t, s, q); again.Value != first.Value || again.Poll != first.Poll-time.Minute || made != 1 {
			t.Errorf("asked for %d secrets, then polls after %v", made, again.Poll)
		}
		reply := first
		time.Sleep(first.Poll - time.Minute)
		for range 2 {
			if reply = fetch(t, s, q); reply.Value != first.Value || reply.Poll < 36*time.Minute {
				t.Errorf("a renewed lease polls after %v", reply.Poll)
			}
			time.Sleep(reply.Poll)
		}
		reply = fetch(t, s, q) // granted ten minutes only
		if reply.Value != first.Value || reply.Poll < 8*time.Minute || reply.Poll > 10*time.Minute {
			t.Errorf("a lease at its end polls after %v", reply.Poll)
		}
		time.Sleep(reply.Poll)
		if reply = fetch(t, s, q); reply.Value == first.Value || made != 2 {
			t.Errorf("%d secrets were made", made)
		}
		if n := f.count("PUT sys/leases/renew"); n != 3 {
			t.Errorf("%d renewals", n)
		}
	})
}

// A lease that Vault no longer knows is no reason to fail; an outage is, but
// does not cost the secret.
func TestLeases_RenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 503
		made := 0
		f := &fake{answers: map[string]func(object) (int, object){
			"GET creds": func(object) (int, object) {
				made++
				return 200, object{"lease_id": "lease", "lease_duration": 3600, "renewable": true, "data": object{"n": made}}
			},
			"PUT sys/leases/renew": func(object) (int, object) {
				return status, object{"errors": []string{"lease not found"}}
			},
		}}
		s, _ := newTestSource(t, f, nil)
		q := watch.VaultSecret{Path: "creds"}
		time.Sleep(fetch(t, s, q).Poll)
		if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); err == nil || made != 1 {
			t.Errorf("an outage: %v, %d secrets", err, made)
		}
		status = 400
		if fetch(t, s, q); made != 2 {
			t.Errorf("%d secrets were made", made)
		}
	})
}

func TestTerms(t *testing.T) {
	s, _ := newTestSource(t, &fake{}, nil)
	now := time.Unix(1_000_000, 0)
	number := func(n string) json.Number { return json.Number(n) }
	for name, test := range map[string]struct {
		secret    watch.Secret
		min, max  time.Duration
		renewable bool
	}{
		"none":              {watch.Secret{}, 255 * time.Second, 285 * time.Second, false},
		"lease":             {watch.Secret{LeaseID: "l", LeaseDuration: 1000}, 850 * time.Second, 950 * time.Second, false},
		"renewable":         {watch.Secret{LeaseID: "l", LeaseDuration: 1000, Renewable: true}, 600 * time.Second, 700 * time.Second, true},
		"without a lease":   {watch.Secret{LeaseDuration: 1000, Renewable: true}, 850 * time.Second, 950 * time.Second, false},
		"login":             {watch.Secret{Auth: &watch.SecretAuth{LeaseDuration: 1000, Renewable: true}}, 600 * time.Second, 700 * time.Second, true},
		"certificate":       {watch.Secret{Data: object{"certificate": "", "expiration": number("1001000")}}, 850 * time.Second, 950 * time.Second, false},
		"secret ID":         {watch.Secret{Data: object{"secret_id": "", "secret_id_ttl": number("999")}}, 850 * time.Second, 950 * time.Second, false},
		"endless secret ID": {watch.Secret{Data: object{"secret_id": "", "secret_id_ttl": number("0")}}, 255 * time.Second, 285 * time.Second, false},
		"rotating":          {watch.Secret{Data: object{"rotation_period": number("60"), "ttl": number("7")}}, 8 * time.Second, 8 * time.Second, false},
	} {
		for range 100 {
			got := s.terms(&test.secret, now)
			if got.pause < test.min || got.pause > test.max || got.renewable != test.renewable {
				t.Errorf("%s: %+v", name, got)
				break
			}
		}
	}
}

func TestNamespace(t *testing.T) {
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("X-Vault-Namespace")
		if strings.Contains(r.URL.Path, "ui/mounts") {
			_ = json.NewEncoder(w).Encode(object{"data": object{"path": "team/secret/", "type": "kv", "options": object{"version": "2"}}})
			return
		}
		_ = json.NewEncoder(w).Encode(object{"data": object{"path": r.URL.Path}})
	}))
	defer server.Close()
	s, err := New(Config{Target: dial.Target{Address: server.URL}, Namespace: "team"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.http.CloseIdleConnections()
	reply := fetch(t, s, watch.VaultSecret{Path: "secret/app"})
	if path := reply.Value.(*watch.Secret).Data["path"]; path != "/v1/secret/data/app" || got != "team" {
		t.Errorf("asked for %v in %q", path, got)
	}
}

func TestConfig(t *testing.T) {
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".vault-token"), []byte("from-home\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"HOME": home, "VAULT_ADDR": "https://env:1", "VAULT_NAMESPACE": "n", "VAULT_CACERT": "ca", "VAULT_CAPATH": "folder"}
	getenv := func(name string) string { return env[name] }
	if got := ConfigFromEnv(getenv).Token; got != "from-home" {
		t.Errorf("the token is %q", got.Reveal())
	}
	env["VAULT_TOKEN"] = "from-env"
	own := Config{Namespace: "own"}
	own.Target.TLS.CACertBytes = "pem"
	got := own.Over(ConfigFromEnv(getenv))
	if got.Token != "from-env" || got.Namespace != "own" || got.Target.Address != "https://env:1" || got.Target.TLS.CACert != "" || got.Target.TLS.CAPath != "" {
		t.Errorf("got %+v", got)
	}
	if got := (Config{Token: "own"}).Over(ConfigFromEnv(getenv)).Token; got != "own" {
		t.Errorf("the token is %q", got.Reveal())
	}
}

package fabioapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/fabio"
	"github.com/sluiceproxy/sluice/internal/redact"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/watch"
)

// store is a KV store in memory.
type store struct {
	pairs []watch.Pair
	index uint64
	err   error
}

func (s *store) Tree(_ context.Context, key string) (tree []watch.Pair, err error) {
	for _, p := range s.pairs {
		if strings.HasPrefix(p.Key+"/", key+"/") {
			tree = append(tree, p)
		}
	}
	return tree, s.err
}

func (s *store) CompareAndSet(_ context.Context, key, value string, index uint64) (bool, error) {
	i := slices.IndexFunc(s.pairs, func(p watch.Pair) bool { return p.Key == key })
	if i < 0 {
		s.pairs = append(s.pairs, watch.Pair{Key: key})
		i = len(s.pairs) - 1
	}
	if s.err != nil || s.pairs[i].ModifyIndex != index {
		return false, s.err
	}
	s.index++
	s.pairs[i].Value, s.pairs[i].ModifyIndex = value, s.index
	return true, nil
}

// testFabioAPI has the key fabio/config with a route, which was changed at index 7.
func testFabioAPI(properties ...string) (*API, *store) {
	var c config.Config
	settings := fabio.Settings{Path: "fabio.properties"}
	if err := settings.Take(&c, strings.Join(properties, "\n"), func(string) string { return "" }); err != nil {
		panic(err)
	}
	keys := &store{index: 7, pairs: []watch.Pair{{Key: "fabio/config", Value: "route del x\n", ModifyIndex: 7}}}
	return &API{
		version: "9.9", ui: *c.FabioUI, config: func() any { return viewConfig(c) },
		routes: routeSet{
			prefix: "urlprefix-", key: "fabio/config", keys: keys,
			table: func() *lb.Table { return nil }, snapshot: func() *watch.Snapshot { return new(watch.Snapshot) },
		},
	}, keys
}

func askFabio(a *API, method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "127.0.0.1:9998"
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

func TestFabioManualPut(t *testing.T) {
	for _, test := range []struct {
		name, sub, body string
		status          int
		says            string // of the answer
	}{
		{"known version", "", `{"value":" # new\n","version":"7"}`, 200, ""},
		{"other version", "", `{"value":"# new","version":"6"}`, 409, "version mismatch"},
		{"no version", "", `{"value":"# new"}`, 409, "version mismatch"},
		{"new key", "/sub", `{"value":"# new","version":"0"}`, 200, ""},
		{"new key, no version", "/sub/sub", `{"value":"# new"}`, 200, ""},
		{"no such version", "/sub", `{"value":"# new","version":"8"}`, 409, "version mismatch"},
		{"empty", "", ``, 400, "EOF"},
		{"no JSON", "", `route add`, 400, "invalid character"},
		{"no text", "", `{"value":1}`, 400, "value"},
		{"no number", "", `{"value":"# new","version":"x"}`, 400, `the version "x" is no number`},
		{"negative", "", `{"value":"# new","version":"-1"}`, 400, `the version "-1" is no number`},
		{"huge", "", `{"value":"` + strings.Repeat("x", maxManual) + `","version":"7"}`, 400, "too large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, keys := testFabioAPI()
			got := askFabio(a, "PUT", "/api/manual"+test.sub, test.body)
			if got.Code != test.status || !strings.Contains(got.Body.String(), test.says) {
				t.Errorf("%d %s", got.Code, got.Body)
			}
			pairs, _ := keys.Tree(t.Context(), "fabio/config"+test.sub)
			if written := len(pairs) > 0 && pairs[0].Value == "# new"; written != (test.status == 200) {
				t.Errorf("the key is %v", pairs)
			}
		})
	}
}

func TestFabioManualWithoutStore(t *testing.T) {
	a, keys := testFabioAPI()
	keys.err = errors.New("no leader")
	for _, method := range []string{"GET", "PUT"} {
		if got := askFabio(a, method, "/api/manual", `{"value":"","version":"7"}`); got.Code != 500 || !strings.Contains(got.Body.String(), "no leader") {
			t.Errorf("%s: %d %s", method, got.Code, got.Body)
		}
	}
	a.routes.keys = nil
	if got := askFabio(a, "PUT", "/api/manual", `{}`); got.Code != 409 {
		t.Errorf("without a store: %d %s", got.Code, got.Body)
	}
}

// What a page of another host has a browser send does not count.
func TestFabioManualOfOtherSites(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	for _, test := range []struct {
		name   string
		header []string
		status int // of the form; that of the API is 200 instead of 303
	}{
		{"no browser", nil, 303},
		{"own page", []string{"Sec-Fetch-Site: same-origin"}, 303},
		{"own page, older browser", []string{"Origin: http://127.0.0.1:9998"}, 303},
		{"typed in", []string{"Sec-Fetch-Site: none"}, 303},
		{"other site", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"other host of the site", []string{"Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:9998"}, 403},
		{"other origin", []string{"Origin: http://evil.example"}, 403},
		{"other port", []string{"Origin: http://127.0.0.1:9999"}, 403},
		{"hidden origin", []string{"Origin: null"}, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, keys := testFabioAPI()
			got := askFabio(a, "POST", "/manual", "value=form&version=7", append(test.header, form)...)
			if got.Code != test.status || (keys.pairs[0].Value == "form") != (test.status == 303) {
				t.Errorf("the form: %d %s, %v", got.Code, got.Body, keys.pairs)
			}
			want := map[int]int{303: 200, 403: 403}[test.status]
			got = askFabio(a, "PUT", "/api/manual/new", `{"value":"api"}`, test.header...)
			if got.Code != want || (len(keys.pairs) == 2) != (want == 200) {
				t.Errorf("the API: %d %s, %v", got.Code, got.Body, keys.pairs)
			}
		})
	}
}

func TestFabioAccess(t *testing.T) {
	manual := []string{
		"GET /manual", "GET /manual/sub", "POST /manual", "GET /api/manual", "GET /api/manual/sub", "HEAD /api/manual", "PUT /api/manual",
		"PUT /api/manual/sub", "DELETE /api/manual", "GET /api/paths",
	}
	open := []string{"GET /routes", "GET /api/routes", "GET /api/version", "GET /api/config", "GET /health"}
	for _, access := range []string{"ro", "rw", ""} {
		var given []string
		if access != "" {
			given = []string{"ui.access = " + access}
		}
		a, keys := testFabioAPI(given...)
		for _, request := range slices.Concat(manual, open) {
			method, target, _ := strings.Cut(request, " ")
			got := askFabio(a, method, target, `{"value":"new","version":"7"}`)
			if closed := access == "ro" && slices.Contains(manual, request); (got.Code == 403) != closed {
				t.Errorf("ui.access=%s: %s: %d %s", access, request, got.Code, got.Body)
			}
		}
		if access == "ro" && (len(keys.pairs) != 1 || keys.index != 7) {
			t.Errorf("ui.access=ro, and there was written: %v", keys.pairs)
		}
		if got := askFabio(a, "GET", "/routes", "").Body.String(); strings.Contains(got, "/manual") != (access != "ro") {
			t.Errorf("ui.access=%s: the page for routes:\n%s", access, got)
		}
	}
}

func TestFabioMethods(t *testing.T) {
	a, _ := testFabioAPI()
	for request, allow := range map[string]string{
		"POST /api/manual": "GET, HEAD, PUT", "DELETE /api/manual/x": "GET, HEAD, PUT", "PUT /manual": "GET, HEAD, POST", "PUT /api/paths": "GET, HEAD",
		"DELETE /api/routes": "GET, HEAD", "POST /nothing": "GET, HEAD",
	} {
		method, target, _ := strings.Cut(request, " ")
		if got := askFabio(a, method, target, ""); got.Code != 405 || got.Header().Get("Allow") != allow {
			t.Errorf("%s: %d, Allow: %s", request, got.Code, got.Header().Get("Allow"))
		}
	}
}

// What ui.path says goes in front of all paths but one; others are left to whoever
// else has them.
func TestFabioPaths(t *testing.T) {
	const gone = "→ "
	owned := []string{"/", "/routes", "/manual", "/manual/x", "/api/routes", "/api/version", "/api/paths", "/api/config", "/api/manual", "/api/manual/x"}
	for prefix, answers := range map[string]map[string]string{
		"": {
			"/": gone + "/routes", "/nothing": gone + "/routes", "/manuals": gone + "/routes", "/api/manuals": gone + "/routes",
			"/favicon.ico": "404", "/health": "OK\n", "/api/version": "9.9",
		},
		"/ui/": {
			"/ui": gone + "/ui/routes", "/ui/": gone + "/ui/routes", "/ui/nothing": gone + "/ui/routes", "/ui/health": gone + "/ui/routes",
			"/uix": "404", "/nothing": "404", "/health": "OK\n", "/ui/api/version": "9.9",
		},
	} {
		a, _ := testFabioAPI("ui.path = " + prefix)
		for path, want := range answers {
			w := askFabio(a, "GET", path, "")
			got := w.Body.String()
			switch w.Code {
			case 303:
				got = gone + w.Header().Get("Location")
			case 404:
				got = "404"
			}
			if got != want {
				t.Errorf("ui.path=%s: %s: %s, not %s", prefix, path, got, want)
			}
		}
		owns := func(path string) bool { return a.Owns(httptest.NewRequest("GET", path, nil)) }
		for _, path := range owned {
			if full := strings.TrimSuffix(prefix, "/") + path; !owns(full) || prefix != "" && owns(path) {
				t.Errorf("ui.path=%s: who owns %s and %s?", prefix, full, path)
			}
		}
		if !owns("/health") || owns("/healthz") || owns("/metrics") || owns("/api/problems") || owns(strings.TrimSuffix(prefix, "/")+"/api/routes?form=sluice") {
			t.Errorf("ui.path=%s: what is not Fabio's is taken", prefix)
		}
	}
}

func TestFabioManualPage(t *testing.T) {
	const form = "Content-Type: application/x-www-form-urlencoded"
	const nasty = `</textarea><script>alert("1")</script>`
	a, keys := testFabioAPI("ui.title = <b>edge")
	keys.pairs = append(keys.pairs, watch.Pair{Key: "fabio/config/" + nasty, Value: nasty, ModifyIndex: 5})
	page := func(w *httptest.ResponseRecorder, status int) string {
		t.Helper()
		text := w.Body.String()
		if w.Code != status || strings.Contains(text, "<script") || strings.Contains(text, "<b>") {
			t.Errorf("%d\n%s", w.Code, text)
		}
		return text
	}
	has := func(text string, all ...string) {
		t.Helper()
		for _, each := range all {
			if !strings.Contains(text, each) {
				t.Errorf("there is no %s in\n%s", each, text)
			}
		}
	}
	w := askFabio(a, "GET", "/manual", "")
	has(page(w, 200), "<title>&lt;b&gt;edge</title>", `name="version" value="7"`, "\nroute del x</textarea>", `href="/manual/%3c/textarea`)
	if got := w.Header().Get("Referrer-Policy"); got != "same-origin" {
		t.Errorf("Referrer-Policy: %s; of a form there would be no origin", got)
	}
	has(page(askFabio(a, "GET", "/manual/"+url.PathEscape(nasty), ""), 200), `&lt;/textarea&gt;`, `value="5"`)

	fields := url.Values{"value": {nasty + "\r\n# two"}, "version": {"6"}}
	has(page(askFabio(a, "POST", "/manual", fields.Encode(), form), 409), "somebody else", "<pre>route del x</pre>", `value="7"`, "&lt;script&gt;")
	fields.Set("version", "x")
	has(page(askFabio(a, "POST", "/manual", fields.Encode(), form), 400), "is no number", `value="x"`)
	fields.Set("version", "7")
	w = askFabio(a, "POST", "/manual", fields.Encode(), form)
	if page(w, 303); w.Header().Get("Location") != "/manual" || keys.pairs[0].Value != nasty+"\n# two" {
		t.Errorf("%v, %q", w.Header(), keys.pairs[0].Value)
	}
}

func TestFabioLinks(t *testing.T) {
	for _, test := range []struct {
		links            config.FabioLinks
		host, path, want string
	}{
		{config.FabioLinks{Scheme: "http"}, "a.test", "/x", "http://a.test/x"},
		{config.FabioLinks{Scheme: "https", Port: "8443"}, "a.test", "/x", "https://a.test:8443/x"},
		{config.FabioLinks{Scheme: "http", Port: "81"}, "a.test:80", "/x y", "http://a.test:81/x%20y"},
		{config.FabioLinks{Scheme: "http", Host: "edge.test"}, "a.test", "/", "http://edge.test/"},
		{config.FabioLinks{Scheme: "http", Port: "9999"}, "", "/x", "http://127.0.0.1:9999/x"},
		{config.FabioLinks{Scheme: "http"}, "", "/x", "http://127.0.0.1/x"},
	} {
		if got := linkTo(test.links, routeTarget{Host: test.host, Path: test.path}, "127.0.0.1:9998"); got != test.want {
			t.Errorf("%+v, %s%s: %s, not %s", test.links, test.host, test.path, got, test.want)
		}
	}
}

// The API shows what it was told, in Fabio's form, but no secret.
func TestFabioConfigView(t *testing.T) {
	const secret = "hush"
	a, _ := testFabioAPI(
		"registry.consul.addr = https://consul.test:8501",
		"registry.consul.token = "+secret,
		"metrics.circonus.apikey = "+secret,
		"registry.custom.queryparams = key="+secret,
		"proxy.cs = cs=site;type=http;cert=https://user:"+secret+"@certs.test/list?token="+secret+";hdr=Authorization: "+secret,
		"proxy.addr = :9999;rt=3s,:9443;cs=site;tlsmin=tls12",
		"proxy.maxconn = 12",
		"proxy.header.sts.preload = true",
		"registry.timeout = 15",
		"registry.consul.service.status = passing, warning",
	)
	w := askFabio(a, "GET", "/api/config", "")
	if strings.Contains(w.Body.String(), secret) {
		t.Errorf("there is a secret in %s", w.Body)
	}
	var all map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil || w.Code != http.StatusOK {
		t.Fatal(err)
	}
	for path, want := range map[string]any{
		"Registry.Consul.Addr": "consul.test:8501", "Registry.Consul.Scheme": "https", "Registry.Consul.Token": redact.Word, "Registry.Consul.Register": true,
		"Registry.Consul.ServiceStatus.1": "warning", "Registry.Custom.QueryParams": redact.Word, "Metrics.Circonus.APIKey": redact.Word,
		"Proxy.MaxConn": 12.0, "Proxy.DialTimeout": 30e9, "Proxy.STSHeader.Preload": true, "Registry.Timeout": "15",
		"Listen.0.ReadTimeout": 3e9, "Listen.1.Proto": "https", "Listen.1.TLSMinVersion": 771.0,
		"Listen.1.CertSource.CertPath": "https://redacted@certs.test/list?redacted", "Listen.1.CertSource.Header.Authorization.0": redact.Word,
		"UI.Listen.Addr": ":9998", "Log.AccessFormat": "common",
	} {
		if got := jsonAt(all, path); got != want {
			t.Errorf("%s: %v, not %v", path, got, want)
		}
	}
}

// jsonAt is the value at a path of names and positions.
func jsonAt(value any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[name]
		case []any:
			value = in[name[0]-'0']
		default:
			return nil
		}
	}
	return value
}

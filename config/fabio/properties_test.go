package fabio

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

func TestParseProperties(t *testing.T) {
	env := func(name string) string { return map[string]string{"HOST": "h"}[name] }
	for _, test := range []struct {
		name, text string
		want       []Property
		fault      string
	}{
		{"separators", "a=1\nb : 2\nc 3\nd\n", []Property{{"a", "1", "f:1"}, {"b", "2", "f:2"}, {"c", "3", "f:3"}, {"d", "", "f:4"}}, ""},
		{"comments and blank lines", "# x\n ! y\n\n a = 1 # no comment\r\n", []Property{{"a", "1 # no comment", "f:4"}}, ""},
		{"a backslash goes on", "a = 1,\\\n   2\nb = 3\\\\\n", []Property{{"a", "1,2", "f:1"}, {"b", `3\`, "f:3"}}, ""},
		{"the end in a backslash", `a = 1\`, []Property{{"a", "1", "f:1"}}, ""},
		{"escapes", `a\ b = \u00e9\t\:x`, []Property{{"a b", "é\t:x", "f:1"}}, ""},
		{"references", "a = ${b}/${HOST}\nb = ${c}\nc = x\n", []Property{{"a", "x/h", "f:1"}, {"b", "x", "f:2"}, {"c", "x", "f:3"}}, ""},
		{"a bad escape", `a = \u12`, nil, "f:1: \\u needs four hexadecimal digits"},
		{"a circle", "a = ${a}", []Property{{"a", "${a}", "f:1"}}, "f:1: a: ${a} refers to itself"},
		{"an open reference", "\na = ${b", []Property{{"a", "${b", "f:2"}}, "f:2: a: ${ is not closed by }"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := Parse("f", test.text, env)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(Property{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if text := ""; err != nil || test.fault != "" {
				if err != nil {
					text = err.Error()
				}
				if text != test.fault {
					t.Errorf("the error is %q, want %q", text, test.fault)
				}
			}
		})
	}
}

func FuzzParseProperties(f *testing.F) {
	f.Add("a = b\n# c\nd : ${a}\\\n e")
	f.Fuzz(func(t *testing.T, text string) {
		all, _, _ := Parse("f", text, func(string) string { return "" })
		if lines := strings.Count(text, "\n") + 1; len(all) > lines {
			t.Fatalf("%d properties in %d lines", len(all), lines)
		}
	})
}

// Each property does something with a sensible value and tells of a bad one, or
// warns, or is known to make no difference.
func TestFabioKeysAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range allKeys() {
		if seen[strings.ToLower(k.name)] {
			t.Errorf("%s is there twice", k.name)
		}
		seen[strings.ToLower(k.name)] = true
	}
	if len(seen) < 120 {
		t.Errorf("only %d properties are known", len(seen))
	}
}

// Fabio's -cfg may be a URL.
func TestFabioPropertiesOfURL(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fabio.properties":
			_, _ = io.WriteString(w, "proxy.noroutestatus = 410\nproxy.matchr = glob\n")
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("#", 2<<20))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	c := config.DefaultConfig()
	good := Settings{Path: server.URL + "/fabio.properties"}
	if err := good.Load(&c, configtest.NoEnv); err != nil {
		t.Fatal(err)
	}
	if c.LB.NoRouteStatus != 410 || len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings[0], good.Path+":2: ") {
		t.Errorf("status %d, warnings %q", c.LB.NoRouteStatus, c.Warnings)
	}
	for path, want := range map[string]string{"/absent": "404 Not Found", "/large": "more than 1 MiB"} {
		bad := Settings{Path: server.URL + path}
		if err := bad.Load(&c, configtest.NoEnv); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", path, err, want)
		}
	}
}

// Listeners for Prometheus are none of the load balancer's.
func TestFabioListenersForMetrics(t *testing.T) {
	for text, want := range map[string][2]string{
		":1": {":1", ""},
		":1, :2;proto=prometheus ,:3;rt=1s; proto = prometheus": {":1", ":2 :3"},
		":1;proto=tcp,:2;proto=prometheus;cs=a":                 {":1;proto=tcp :2;proto=prometheus;cs=a", ""}, // refused
	} {
		c := config.DefaultConfig()
		if err := setListeners(newReader(&c, configtest.NoEnv), Property{Value: text}); err != nil {
			t.Fatal(err)
		}
		var listeners []string
		for _, l := range c.LB.Listeners {
			listeners = append(listeners, l.Text)
		}
		if got := [2]string{strings.Join(listeners, " "), strings.Join(c.Admin.MetricsListen, " ")}; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// A source of certificates says where the token for Vault is, which is one for all.
func TestFabioTokenForVault(t *testing.T) {
	for _, test := range []struct{ from, token, file, warning, fault string }{
		{"cs=a;type=vault;cert=c", "", "", "", ""},
		{"cs=a;type=vault;cert=c;vaultfetchtoken=file:secrets/vault_token", "", "secrets/vault_token", "", ""},
		{"cs=a;type=vault-pki;cert=c;vaultfetchtoken=env:ROLE_TOKEN", "hvs.role", "", "", ""},
		{"cs=a;type=vault;cert=c;vaultfetchtoken=env:ROLE_TOKEN, cs=b;type=vault;cert=d;vaultfetchtoken=env:ROLE_TOKEN, cs=c;type=vault;cert=e", "hvs.role", "", "", ""},
		{"cs=a;type=vault;cert=c;vaultfetchtoken=env:ABSENT", "", "",
			"fabio.properties:1: proxy.cs: vaultfetchtoken: the variable ABSENT is empty; VAULT_TOKEN counts instead", ""},
		{"cs=a;type=vault;cert=c;vaultfetchtoken=env:ROLE_TOKEN,cs=b;type=vault;cert=c;vaultfetchtoken=file:t", "hvs.role", "", "",
			"fabio.properties:1: proxy.cs: vaultfetchtoken is env:ROLE_TOKEN and file:t: one token is for all of Vault"},
	} {
		t.Run(test.from, func(t *testing.T) {
			c := config.DefaultConfig()
			settings := Settings{Path: "fabio.properties"}
			fault := ""
			if err := settings.Take(&c, "proxy.cs = "+test.from, func(name string) string {
				return map[string]string{"ROLE_TOKEN": "hvs.role"}[name]
			}); err != nil {
				fault = err.Error()
			}
			got := []string{c.Vault.Token.Reveal(), c.Vault.AgentTokenFile, strings.Join(c.Warnings, "\n"), fault}
			if diff := cmp.Diff([]string{test.token, test.file, test.warning, test.fault}, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSplitQuoted(t *testing.T) {
	got := SplitQuoted(`:1;tlsciphers="a,b" , :2,,:3`)
	if diff := cmp.Diff([]string{`:1;tlsciphers="a,b"`, ":2", ":3"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestFabioRegistryFaults(t *testing.T) {
	for _, test := range []struct{ text, fault string }{
		{"registry.backend = etcd", `fabio.properties:1: registry.backend: "etcd" is none of consul, static, file, custom`},
		{"registry.backend = file", "registry.file.path is missing"},
		{"registry.backend = custom", "registry.custom.host is missing"},
		{"registry.backend = custom\nregistry.custom.host = h\nregistry.custom.scheme = ftp", "registry.custom.scheme: \"ftp\""},
	} {
		path := filepath.Join(t.TempDir(), "fabio.properties")
		if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := (&Settings{Path: path}).Load(new(config.Config), func(string) string { return "" })
		if err == nil || !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v, want %s", test.text, err, test.fault)
		}
	}
}

package migrate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/flags"
)

// loadTraefik is what -traefik makes of arguments and variables.
func loadTraefik(t *testing.T, variables []string, args ...string) (config.Config, error) {
	t.Helper()
	for _, variable := range variables {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
		defer os.Unsetenv(name)
	}
	cl, err := flags.Parse(append([]string{"-traefik"}, args...))
	if err != nil {
		return config.Config{}, err
	}
	return cl.Load(configtest.NoEnv)
}

func listenersOf(c config.Config) (texts []string) {
	for _, l := range c.LB.Listeners {
		texts = append(texts, l.Text)
	}
	return texts
}

// Without a file, flags count and, without those, variables.
func TestTraefikByFlagsAndVariables(t *testing.T) {
	variables := []string{"TRAEFIK_ENTRYPOINTS_WEB_ADDRESS=:82", "TRAEFIK_ENTRYPOINTS_WEB_FORWARDEDHEADERS_TRUSTEDIPS=10.0.0.1,10.0.0.2", "PATH=/bin"}
	flags := []string{
		"--entryPoints.web.address=:81", "-entrypoints.secure.address", ":444", "--entrypoints.secure.http.tls", "--providers.consulcatalog",
		"--providers.consulcatalog.prefix=edge", "--api.insecure", "--log.level", "ERROR", "--entrypoints.web.address=:80",
		"--entrypoints.secure.http.tls.domains[0].main=a.test",
	}
	for _, tt := range []struct {
		name      string
		args      []string
		listeners []string
	}{
		{"flags", flags, []string{":80;name=web", ":444;name=secure;proto=https+tcp+sni;cs=migrated"}},
		{"variables", nil, []string{":82;name=web"}},
		{"older flags", []string{
			"--consulCatalog.endpoint=127.0.0.1:1", "--entryPoints=Name:http Address::80 Redirect.EntryPoint:https",
			"--entrypoints", "Name:https Address::443 TLS:a.crt,a.key;b.crt,b.key Compress:true", "--defaultEntryPoints=http,https",
		}, []string{":80;name=http;redirect=https", ":443;name=https;cs=migrated;middlewares=entrypoint-https-compress"}},
	} {
		c, err := loadTraefik(t, variables, tt.args...)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := listenersOf(c); !slices.Equal(got, tt.listeners) {
			t.Errorf("%s: listeners %q, want %q", tt.name, got, tt.listeners)
		}
		switch tt.name {
		case "flags":
			if c.Tags.TraefikPrefix != "edge" || c.LogLevel.Value != config.LevelError || c.Admin.Listen != ":8080" || c.Catalog.None {
				t.Errorf("flags: %+v, level %v, admin %q", c.Tags, c.LogLevel, c.Admin.Listen)
			}
			if !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "domains") }) {
				t.Errorf("no warning tells what has no equivalent: %q", c.Warnings)
			}
		case "variables":
			if !slices.Equal(c.LB.TrustedProxies, []string{"10.0.0.1", "10.0.0.2"}) || !c.Catalog.None || c.Admin.Listen != config.DefaultAdminAddress {
				t.Errorf("variables: %q, %+v", c.LB.TrustedProxies, c.Catalog)
			}
		case "older flags":
			if files := c.LB.Certificates[0].Cert; !slices.Equal(files, []string{"a.crt", "b.crt"}) || c.Consul.Address != "127.0.0.1:1" {
				t.Errorf("older flags: %q, %q", files, c.Consul.Address)
			}
		}
	}
	properties := filepath.Join(t.TempDir(), "fabio.properties")
	if err := os.WriteFile(properties, []byte("proxy.addr = :1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"what is there to run?":        nil,
		"unknown flag -entrypoint.web": {"--entrypoint.web.address=:80"},
		"reading what to migrate":      {"/none/traefik.yml"},
		"is of Fabio: -fabio runs it":  {properties},
	} {
		if _, err := loadTraefik(t, nil, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// Beside a file of Traefik 2 or 3 neither flags nor variables count, as there; those
// of Traefik 1 go before its file.
func TestTraefikFlagsBesideFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for file, text := range map[string]string{
		"two.yml":  "entryPoints:\n  web:\n    address: \":80\"\nproviders: {}\n",
		"one.toml": "[entryPoints.http]\naddress = \":80\"\n[consulCatalog]\ndomain = \"old\"\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := loadTraefik(t, []string{"TRAEFIK_API=true"}, "two.yml", "--entrypoints.web.address=:81")
	if got := listenersOf(c); err != nil || !slices.Equal(got, []string{":80;name=web"}) {
		t.Errorf("%q, %v", got, err)
	}
	for _, origin := range []string{"flag -entrypoints.web.address", "variable TRAEFIK_API"} {
		if want := origin + ": is ignored, as by Traefik, which does not look at it beside a file"; !slices.Contains(c.Warnings, want) {
			t.Errorf("%q is not among %q", want, c.Warnings)
		}
	}
	c, err = loadTraefik(t, nil, "one.toml", "--consulcatalog.domain=new", "--configfile=one.toml")
	if got := listenersOf(c); err != nil || !slices.Equal(got, []string{":80;name=http"}) || c.Tags.Traefik.Domain != "new" {
		t.Errorf("%q, %q, %v", got, c.Tags.Traefik.Domain, err)
	}
}

// Of files that cannot be read the others have no harm, nor do routers that do not
// need what is missing.
func TestTraefikFilesThatCannotBeRead(t *testing.T) {
	t.Chdir(t.TempDir())
	router := "    %[1]s: {rule: Host(`%[1]s`), service: %[2]s}\n"
	for file, text := range map[string]string{
		"traefik.yml":     "entryPoints: {web: {address: \":80\"}}\nproviders: {file: {directory: conf, watch: false}}\n",
		"conf/a.yml":      "http:\n  routers:\n" + fmt.Sprintf(router, "good", "good") + "    odd: {rule: \"Host(\", service: good}\n" + fmt.Sprintf(router, "lost", "lost") + fmt.Sprintf(router, "path", "path"),
		"conf/b/c.yaml":   "http:\n  services:\n    good: {loadBalancer: {servers: [{url: \"http://a\"}]}}\n    path: {loadBalancer: {servers: [{url: \"http://a?b\"}]}}\n    lost: {loadBalancer: {serversTransport: t, servers: [{url: \"http://a\"}]}}\n",
		"conf/t.yml":      "http:\n  serversTransports:\n    t: {rootCAs: [none.pem]}\n",
		"conf/broken.yml": "{{ fail \"template\" }}",
		"conf/empty.toml": "\n",
		"conf/README":     "no configuration",
	} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := loadTraefik(t, nil, "traefik.yml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Routes) != 1 || c.Routes[0].Name != "good" {
		t.Errorf("routes %+v", c.Routes)
	}
	if len(c.Unread) != 1 || !strings.Contains(c.Unread[0].Error(), "broken.yml") {
		t.Errorf("not read: %v", c.Unread)
	}
	if len(c.Watched()) != 0 {
		t.Errorf("followed: %v", c.Watched())
	}
	for _, want := range []string{"open none.pem", "router lost is left out: there is no servers transport t", "router odd is left out: ", "router path is left out: "} {
		if !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, want) }) {
			t.Errorf("no warning tells %q: %q", want, c.Warnings)
		}
	}
}

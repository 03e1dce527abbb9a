package fabio_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/config/flags"
)

// Of a flag, a variable and a property the first counts.
func TestFabioSourcesOfSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fabio.properties")
	text := "proxy.matcher = glob\nproxy.noroutestatus = 410\nproxy.header.clientip = X-File\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string {
		return map[string]string{"FABIO_PROXY_NOROUTESTATUS": "411", "proxy_header_clientip": "X-Env"}[name]
	}
	cl, err := flags.Parse([]string{"-fabio", path, "-proxy.header.clientip=X-Flag", "-glob.matching.disabled", "-proxy.cs", "cs=a;type=file;cert=b"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cl.Load(env)
	if err != nil {
		t.Fatal(err)
	}
	if c.Fabio.Matcher != "glob" || c.LB.NoRouteStatus != 411 || c.LB.Forwarding.ClientIP != "X-Flag" || !c.Fabio.PlainHosts || len(c.LB.Certificates) != 1 {
		t.Errorf("got %+v", c.Fabio)
	}
	if len(c.LB.Listeners) != 1 || c.LB.Listeners[0].Text != ":9999" || c.Admin.Listen != ":9998" || c.LB.Health.Checks != "one" {
		t.Errorf("not Fabio's defaults: %+v, %q, %q", c.LB.Listeners, c.Admin.Listen, c.LB.Health.Checks)
	}
	// Without -fabio, its flags are none of ours.
	if _, err := flags.Parse([]string{"-proxy.addr", ":1"}); err == nil {
		t.Error("-proxy.addr is accepted without -fabio")
	}
}

func TestFabioSettingsThatAreWords(t *testing.T) {
	for _, test := range []struct{ text, statuses, fault string }{
		{"registry.consul.service.status = passing, warning,unknown", "passing warning", ""},
		{"registry.consul.service.status = unknown", "", ""},
		{"registry.consul.service.status = pasing", "", `fabio.properties:1: registry.consul.service.status: "pasing" is none of passing, warning, critical, unknown; did you mean passing?`},
		{"proxy.matcher = globs", "", `fabio.properties:1: proxy.matcher: "globs" is none of prefix, iprefix, glob; did you mean glob?`},
		{"proxy.matcher =", "", ""},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.WriteFile("fabio.properties", []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			cl, err := flags.Parse([]string{"-fabio", "fabio.properties"})
			if err != nil {
				t.Fatal(err)
			}
			c, err := cl.Load(func(string) string { return "" })
			if got := ""; err != nil || test.fault != "" {
				if err != nil {
					got = err.Error()
				}
				if got != test.fault {
					t.Errorf("the error is %q, want %q", got, test.fault)
				}
			} else if got = strings.Join(c.LB.Health.Statuses, " "); got != test.statuses {
				t.Errorf("statuses %q, want %q", got, test.statuses)
			}
		})
	}
}

// Listeners of connections take the timeouts of the whole that they do not set; 0
// is a setting.
func TestFabioTimeoutsOfConnections(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fabio.properties")
	text := "proxy.addr = :1;proto=tcp, :2;proto=tcp+sni;rt=1s;wt=0, :3, :4;proto=https+tcp+sni;cs=a, :5;proto=tcp-dynamic; wt=2s\n" +
		"proxy.readtimeout = 7s\nproxy.writetimeout = 1m30s\nproxy.cs = cs=a;type=selfsigned\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cl, err := flags.Parse([]string{"-fabio", path})
	if err != nil {
		t.Fatal(err)
	}
	c, err := cl.Load(configtest.NoEnv)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	type timeouts struct{ Read, Write time.Duration }
	want := []timeouts{{7 * time.Second, 90 * time.Second}, {time.Second, 0}, {}, {7 * time.Second, 90 * time.Second}, {7 * time.Second, 2 * time.Second}}
	var got []timeouts
	for _, l := range o.Listeners {
		got = append(got, timeouts{l.ReadTimeout, l.WriteTimeout})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if o.Timeouts.Read != 7*time.Second || o.Timeouts.Write != 90*time.Second {
		t.Errorf("those of requests: %v, %v", o.Timeouts.Read, o.Timeouts.Write)
	}
}

// A setting that makes no sense ends the program, and says where and why.
func TestFabioFaults(t *testing.T) {
	t.Chdir(t.TempDir())
	for line, want := range map[string]string{
		"proxy.addr = 9999":                                      `fabio.properties:1: proxy.addr: listener "9999": the address is not of the form [host]:port`,
		"proxy.addr = :9999;proto=htps":                          `unknown proto "htps"; did you mean https?`,
		"proxy.addr = :9999;cs=none":                             "none",
		"proxy.addr = :9999;rt=5":                                `"5" is not a duration`,
		"proxy.addr = :9999,:9998;tlsmin=tls12":                  "need cert or cs",
		"proxy.cs = cs=a;type=none;cert=b":                       "fabio.properties:1: proxy.cs",
		"proxy.cs = type=file;cert=b":                            "fabio.properties:1: proxy.cs",
		"proxy.auth = name=a;type=external;endpoint=b":           `fabio.properties:1: proxy.auth: there is no key "endpoint"`,
		"proxy.auth = name=a;type=external":                      "fabio.properties:1: proxy.auth: a: type external is not supported",
		"proxy.auth = name=a;type=digest;file=b":                 `"digest"`,
		"proxy.auth = type=basic;file=b":                         "an authentication needs a name",
		"proxy.auth = name=a;type=basic":                         "file is missing",
		"proxy.auth = name=a;type=basic;file=b;refresh=x":        `"x" is not a duration`,
		"proxy.strategy = least":                                 `fabio.properties:1: proxy.strategy: "least" is none of rnd, rr`,
		"proxy.noroutestatus = 99":                               "the status without a route must be from 200 to 999, not 99",
		"proxy.noroutestatus = many":                             `"many" is not a whole number`,
		"proxy.dialtimeout = soon":                               `fabio.properties:1: proxy.dialtimeout: "soon" is not a duration such as 250ms or 1m30s`,
		"proxy.maxconn = x":                                      `"x" is not a whole number`,
		"proxy.gzip.contenttype = (":                             "fabio.properties:1: proxy.gzip.contenttype",
		"proxy.localip = here":                                   `"here" is no address`,
		"proxy.grpcmaxrxmsgsize = -1":                            "-1 is no size of a message",
		"proxy.header.clientip = a b":                            "cannot be the name of a field",
		"log.access.format = $nothing":                           "nothing",
		"log.level = LOUD":                                       "fabio.properties:1: log.level",
		"registry.backend = etcd":                                `"etcd" is none of`,
		"registry.backend = file":                                "registry.file.path is missing",
		"registry.backend = custom":                              "registry.custom.host is missing",
		"registry.consul.checksRequired = most":                  `"most" is none of one, all`,
		"registry.consul.register.enabled = perhaps":             `"perhaps" is not true or false`,
		"ui.addr = 9998":                                         "fabio.properties:1: ui.addr",
		"ui.addr = :9998;cs=none":                                `no certificates "none"`,
		"ui.access = RO":                                         `"RO" is none of ro, rw; did you mean ro?`,
		"ui.routingtable.source.scheme = javascript":             `"javascript" is none of http, https`,
		"metrics.prometheus.path = numbers":                      "does not begin with a slash",
		"proxy.cs = cs=a;type=path;cert=b,cs=a;type=path;cert=c": `"a"`,
	} {
		if err := os.WriteFile("fabio.properties", []byte(line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cl, err := flags.Parse([]string{"-fabio", "fabio.properties"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := cl.Load(configtest.NoEnv)
		if err == nil {
			_, err = c.ServerOptions()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", line, err, want)
		}
	}
}

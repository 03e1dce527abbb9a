package main

import (
	"os"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

// readFabio is what becomes of properties.
func readFabio(t *testing.T, lines ...string) (config.Config, error) {
	t.Helper()
	c := config.DefaultConfig()
	settings := fabioSettings{path: "fabio.properties"}
	err := settings.take(&c, strings.Join(lines, "\n"), configtest.NoEnv)
	return c, err
}

func TestFabioReadModes(t *testing.T) {
	const at = "registry.consul."
	for _, test := range []struct{ lines, mode, fault string }{
		{"", "stale", ""}, // of any server
		{at + "requireConsistent = true", "consistent", ""},
		{at + "allowStale = true", "stale", ""},
		{at + "requireConsistent = false\n" + at + "allowStale = true", "stale", ""},
		{at + "requireConsistent = true\n" + at + "allowStale = true", "", "exclude each other"},
		{at + "allowStale = perhaps", "", `fabio.properties:1: registry.consul.allowStale: "perhaps" is not true or false`},
	} {
		c, err := readFabio(t, test.lines)
		switch {
		case test.fault != "":
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: error %v, want %q in it", test.lines, err, test.fault)
			}
		case err != nil || c.Consul.Mode != test.mode:
			t.Errorf("%q: mode %q, error %v", test.lines, c.Consul.Mode, err)
		}
	}
}

// A property that Fabio does not have is told of; a flag ends the program.
func TestFabioUnknownNames(t *testing.T) {
	c, err := readFabio(t, "proxy.matchr = glob", "proxy.matcher = glob")
	if err != nil || c.Fabio.Matcher != "glob" || len(c.Warnings) != 1 ||
		c.Warnings[0] != "fabio.properties:1: proxy.matchr is ignored, for Fabio has no such property; did you mean proxy.matcher?" {
		t.Errorf("%q, %v", c.Warnings, err)
	}
	if _, err := parseCommandLine([]string{"-fabio", "fabio.properties", "-proxy.matchr", "glob"}); err == nil || !strings.Contains(err.Error(), "proxy.matchr") {
		t.Errorf("a flag that is none: %v", err)
	}
}

// Each of these is one setting of the configuration, which is tested where it has
// its effect.
func TestFabioKeysReachTheServer(t *testing.T) {
	c, err := readFabio(t,
		"proxy.dialtimeout = 1s", "proxy.maxconn = 2", "proxy.idleconntimeout = 3s", "proxy.readtimeout = 4s", "proxy.writetimeout = 5s",
		"proxy.responseheadertimeout = 6s", "proxy.shutdownwait = 7s", "proxy.deregistergraceperiod = 8s", "proxy.noroutestatus = 410",
		"proxy.localip = 192.0.2.1", "proxy.grpcmaxrxmsgsize = 12", "proxy.grpcmaxtxmsgsize = 11",
		"proxy.header.clientip = A", "proxy.header.requestid = B", "proxy.header.tls = C", "proxy.header.tls.value = D",
		"proxy.header.sts.maxage = 13", "proxy.header.sts.subdomains = true", "proxy.header.sts.preload = true",
		"log.access.target = stdout", "log.access.format = combined", "log.level = DEBUG",
		"registry.consul.addr = https://consul.test:8501", "registry.consul.token = hush", "registry.consul.namespace = ns",
		"registry.consul.tls.keyfile = k", "registry.consul.tls.certfile = c", "registry.consul.tls.cafile = ca", "registry.consul.tls.capath = p",
		"registry.consul.tls.insecureskipverify = true",
		"registry.consul.register.enabled = false", "registry.consul.register.addr = 192.0.2.2:1", "registry.consul.register.name = edge",
		"registry.consul.register.tags = a,b", "registry.consul.register.checkInterval = 14s", "registry.consul.register.checkTimeout = 15s",
		"registry.consul.register.checkTLSSkipVerify = true", "registry.retry = 16s",
	)
	if err != nil {
		t.Fatal(err)
	}
	c.Settle()
	o, err := c.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	k, r := c.ConsulConfig(nil), c.Fabio.Register
	for name, got := range map[string][2]any{
		"dial":          {o.Timeouts.Dial.String(), "1s"},
		"idle":          {o.MaxIdlePerTarget, 2},
		"upstream idle": {o.Timeouts.UpstreamIdle.String(), "3s"},
		"read":          {o.Timeouts.Read.String(), "4s"},
		"write":         {o.Timeouts.Write.String(), "5s"},
		"response":      {o.Timeouts.Response.String(), "6s"},
		"drain":         {o.Timeouts.Drain.String(), "7s"},
		"grace":         {r.Grace.String(), "8s"},
		"no route":      {o.NoRouteStatus, 410},
		"by":            {o.Forwarding.By.String(), "192.0.2.1"},
		"messages":      {o.MaxCallMessage, 11},
		"fields": {strings.Join([]string{o.Forwarding.ClientIPField, o.Forwarding.RequestIDField, o.Forwarding.TLSField, o.Forwarding.TLSValue}, " "),
			"A B C D"},
		"sts":         {o.Forwarding.StrictTransport, "max-age=13; includeSubDomains; preload"},
		"access log":  {c.LB.AccessLog.Target + " " + c.LB.AccessLog.Format, "stdout combined"},
		"level":       {c.LogLevel.Value.String(), "DEBUG"},
		"consul":      {k.Address + " " + k.Token.Reveal() + " " + k.Namespace, "https://consul.test:8501 hush ns"},
		"consul TLS":  {k.SSL.Key + k.SSL.Cert + k.SSL.CACert + k.SSL.CAPath, "kccap"},
		"verify":      {c.Consul.SSL.Verify, config.Some(false)},
		"registered":  {r.Enabled, false},
		"as":          {r.Address + " " + r.Name + " " + strings.Join(r.Tags, " "), "192.0.2.2:1 edge a b"},
		"checked":     {r.Interval.String() + " " + r.Timeout.String(), "14s 15s"},
		"skip verify": {r.SkipVerify, true},
		"retry":       {c.Consul.Retry.Backoff.String(), "16s"},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %v, not %v", name, got[0], got[1])
		}
	}
	if len(c.Warnings) > 0 {
		t.Errorf("%q", c.Warnings)
	}
}

// What has no effect is told of, if there is anything to tell.
func TestFabioKeysWithoutEffect(t *testing.T) {
	for _, line := range []string{
		"proxy.keepalivetimeout = 5s", "proxy.grpcshutdowntimeout = 3s", "registry.timeout = 5s", "ui.color = blue", "metrics.names = edge",
		"metrics.target = graphite", "metrics.graphite.addr = a:1", "profile.mode = cpu", "tracing.TracingEnabled = true", "bgp.enabled = true",
		"aws.apigw.cert.cn = x",
	} {
		name, _, _ := strings.Cut(line, " ")
		c, err := readFabio(t, line)
		if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], name) {
			t.Errorf("%s: %q, error %v", line, c.Warnings, err)
		}
		c, err = readFabio(t, name+" =")
		if name != "bgp.enabled" && name != "tracing.TracingEnabled" && (err != nil || len(c.Warnings) > 0) {
			t.Errorf("%s without a value: %q, error %v", name, c.Warnings, err)
		}
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
		cl, err := parseCommandLine([]string{"-fabio", "fabio.properties"})
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

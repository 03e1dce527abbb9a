package fabio

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
)

// readFabio is what becomes of properties.
func readFabio(t *testing.T, lines ...string) (config.Config, error) {
	t.Helper()
	c := config.DefaultConfig()
	settings := Settings{Path: "fabio.properties"}
	err := settings.Take(&c, strings.Join(lines, "\n"), configtest.NoEnv)
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
	if _, ok := (&Settings{Path: "fabio.properties"}).Flag("proxy.matchr"); ok {
		t.Error("a flag that is none is taken")
	}
}

// Each of these is one setting of the configuration, which is tested where it has
// its effect.
func TestFabioKeysReachTheServer(t *testing.T) {
	c, err := readFabio(t,
		"proxy.dialtimeout = 1s", "proxy.maxconn = 2", "proxy.idleconntimeout = 3s", "proxy.readtimeout = 4s", "proxy.writetimeout = 5s",
		"proxy.responseheadertimeout = 6s", "proxy.shutdownwait = 7s", "proxy.deregistergraceperiod = 8s", "proxy.noroutestatus = 410",
		"proxy.localip = 192.0.2.1", "proxy.grpcmaxrxmsgsize = 12", "proxy.grpcmaxtxmsgsize = 11", "proxy.grpcshutdowntimeout = 9s",
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
		"departed call": {o.Timeouts.DepartedCall.String(), "9s"},
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
		"proxy.keepalivetimeout = 5s", "registry.timeout = 5s", "ui.color = blue",
		"metrics.target = circonus", "profile.mode = cpu", "tracing.TracingEnabled = true", "bgp.enabled = true",
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

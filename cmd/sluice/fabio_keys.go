package main

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// fabioKey is a property of Fabio and what becomes of it.
type fabioKey struct {
	name    string
	boolean bool
	set     func(r *fabioReader, p property) error
}

// fabioReader puts properties into a configuration.
type fabioReader struct {
	*config.Config
	getenv            func(string) string
	consistent, stale bool
	registry          fabioRegistryWords
	vaultToken        string // where it is, if a source of certificates says so
	metrics           config.NamedMetrics
	metricsOn         bool
}

func newFabioReader(c *config.Config, getenv func(string) string) *fabioReader {
	r := &fabioReader{Config: c, getenv: getenv, registry: fabioRegistryWords{scheme: "https"}}
	r.metrics.SetDefaults(hcl.Position{})
	r.metrics.Name = config.FabioNames
	return r
}

// finish is for what depends on several properties.
func (r *fabioReader) finish() error {
	if r.consistent && r.stale {
		return errors.New("registry.consul.requireConsistent and registry.consul.allowStale exclude each other")
	}
	switch {
	case r.consistent:
		r.Consul.Mode = "consistent"
	case r.stale:
		r.Consul.Mode = "stale"
	}
	r.timeConnections()
	if r.metricsOn {
		r.Admin.Metrics = append(r.Admin.Metrics, r.metrics)
	}
	if !strings.HasPrefix(r.Consul.Address, "https://") {
		r.Consul.SSL = config.SSL{} // as Fabio, for which none of it means that there is TLS
	}
	return r.registry.apply(r.Config)
}

func findFabioKey(name string) (fabioKey, bool) {
	keys := fabioKeys()
	i := slices.IndexFunc(keys, func(k fabioKey) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return fabioKey{}, false
	}
	return keys[i], true
}

func fabioKeyNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, k := range fabioKeys() {
			if !yield(k.name) {
				return
			}
		}
	}
}

// fabioKeys is every property of Fabio 1.7.
func fabioKeys() []fabioKey {
	return slices.Concat(fabioProxyKeys(), fabioHeaderKeys(), fabioRegistryKeys(), fabioConsulKeys(), fabioUIKeys(), fabioOtherKeys())
}

func fabioProxyKeys() []fabioKey {
	return []fabioKey{
		{name: "proxy.addr", set: setFabioListeners},
		{name: "proxy.cs", set: setFabioCertificates},
		{name: "proxy.auth", set: setFabioAuth},
		{name: "proxy.strategy", set: oneOfThese("rnd", "rr")},
		{name: "proxy.matcher", set: func(r *fabioReader, p property) error {
			if p.value == "" {
				return nil
			}
			if err := oneOfThese("prefix", "iprefix", "glob")(r, p); err != nil {
				return err
			}
			r.Fabio.Matcher = p.value
			return nil
		}},
		{name: "proxy.noroutestatus", set: direct(func(c *config.Config) any { return &c.LB.NoRouteStatus })},
		{name: "proxy.dialtimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.Dial })},
		{name: "proxy.responseheadertimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.Response })},
		{name: "proxy.idleconntimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.UpstreamIdle })},
		{name: "proxy.readtimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.Read })},
		{name: "proxy.writetimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.Write })},
		{name: "proxy.maxconn", set: direct(func(c *config.Config) any { return &c.LB.Limits.IdlePerTarget })},
		{name: "proxy.shutdownwait", set: duration(func(c *config.Config) *time.Duration { return &c.LB.DrainTimeout })},
		{name: "proxy.deregistergraceperiod", set: duration(func(c *config.Config) *time.Duration { return &c.Fabio.Register.Grace })},
		{name: "proxy.keepalivetimeout", set: without("the period of TCP keep-alives is the system's")},
		{name: "proxy.flushinterval", set: same},
		{name: "proxy.globalflushinterval", set: same},
		{name: "proxy.localip", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.By })},
		{name: "proxy.gzip.contenttype", set: func(r *fabioReader, p property) error {
			r.Fabio.Compress = p.value
			return (&spec.Compress{Pattern: p.value}).Validate()
		}},
		{name: "proxy.grpcmaxrxmsgsize", set: setFabioMessages},
		{name: "proxy.grpcmaxtxmsgsize", set: setFabioMessages},
		{name: "proxy.grpcshutdowntimeout", set: without("calls of gRPC may end, also when their target is gone")},
	}
}

func fabioHeaderKeys() []fabioKey {
	return []fabioKey{
		{name: "proxy.header.clientip", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.ClientIP })},
		{name: "proxy.header.requestid", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.RequestID })},
		{name: "proxy.header.tls", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.TLS })},
		{name: "proxy.header.tls.value", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.TLSValue })},
		{name: "proxy.header.sts.maxage", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.MaxAge })},
		{name: "proxy.header.sts.subdomains", boolean: true, set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.Subdomains })},
		{name: "proxy.header.sts.preload", boolean: true, set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.Preload })},
	}
}

func fabioConsulKeys() []fabioKey {
	const at = "registry.consul."
	return []fabioKey{
		{name: at + "addr", set: direct(func(c *config.Config) any { return &c.Consul.Address })},
		{name: at + "token", set: direct(func(c *config.Config) any { return &c.Consul.Token })},
		{name: at + "namespace", set: direct(func(c *config.Config) any { return &c.Consul.Namespace })},
		{name: at + "tls.keyfile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.Key })},
		{name: at + "tls.certfile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.Cert })},
		{name: at + "tls.cafile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.CACert })},
		{name: at + "tls.capath", set: direct(func(c *config.Config) any { return &c.Consul.SSL.CAPath })},
		{name: at + "tls.insecureskipverify", boolean: true, set: boolean(func(r *fabioReader, on bool) {
			r.Consul.SSL.Verify = config.Some(!on)
		})},
		{name: at + "kvpath", set: direct(func(c *config.Config) any { return &c.Fabio.RoutesKey })},
		{name: at + "noroutehtmlpath", set: direct(func(c *config.Config) any { return &c.Fabio.NoRouteKey })},
		{name: at + "tagprefix", set: direct(func(c *config.Config) any { return &c.Tags.FabioPrefix })},
		{name: at + "service.status", set: setFabioStatuses},
		{name: at + "checksRequired", set: func(r *fabioReader, p property) error {
			if err := oneOfThese("one", "all")(r, p); err != nil {
				return err
			}
			r.LB.Health.Checks = p.value
			return nil
		}},
		{name: at + "serviceMonitors", set: same},
		{name: at + "pollinterval", set: same},
		{name: at + "requireConsistent", boolean: true, set: boolean(func(r *fabioReader, on bool) { r.consistent = on })},
		{name: at + "allowStale", boolean: true, set: boolean(func(r *fabioReader, on bool) { r.stale = on })},
		{name: at + "register.enabled", boolean: true, set: direct(func(c *config.Config) any { return &c.Fabio.Register.Enabled })},
		{name: at + "register.addr", set: direct(func(c *config.Config) any { return &c.Fabio.Register.Address })},
		{name: at + "register.name", set: direct(func(c *config.Config) any { return &c.Fabio.Register.Name })},
		{name: at + "register.tags", set: setList(func(c *config.Config) *[]string { return &c.Fabio.Register.Tags })},
		{name: at + "register.checkInterval", set: duration(func(c *config.Config) *time.Duration { return &c.Fabio.Register.Interval })},
		{name: at + "register.checkTimeout", set: duration(func(c *config.Config) *time.Duration { return &c.Fabio.Register.Timeout })},
		{name: at + "register.checkTLSSkipVerify", boolean: true, set: direct(func(c *config.Config) any { return &c.Fabio.Register.SkipVerify })},
		{name: at + "register.checkDeregisterCriticalServiceAfter", set: same},
	}
}

func fabioUIKeys() []fabioKey {
	return []fabioKey{
		{name: "ui.addr", set: setFabioUI},
		{name: "ui.access", set: func(r *fabioReader, p property) error {
			r.FabioUI.ReadOnly = p.value != "rw"
			return oneOfThese("ro", "rw")(r, p)
		}},
		{name: "ui.title", set: ofUI(func(ui *config.FabioUI) any { return &ui.Title })},
		{name: "ui.path", set: func(r *fabioReader, p property) error {
			if r.FabioUI.Path = strings.Trim(p.value, "/"); r.FabioUI.Path != "" {
				r.FabioUI.Path = "/" + r.FabioUI.Path
			}
			return nil
		}},
		{name: "ui.color", set: without("the pages have no other colors than the browser's")},
		{name: "ui.routingtable.source.linkenabled", boolean: true, set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.On })},
		{name: "ui.routingtable.source.newtab", boolean: true, set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.NewTab })},
		{name: "ui.routingtable.source.scheme", set: func(r *fabioReader, p property) error {
			if p.value == "" {
				return nil
			}
			r.FabioUI.Links.Scheme = p.value
			return oneOfThese("http", "https")(r, p) // nothing that a browser would run
		}},
		{name: "ui.routingtable.source.host", set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.Host })},
		{name: "ui.routingtable.source.port", set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.Port })},
	}
}

func fabioOtherKeys() []fabioKey {
	keys := []fabioKey{
		{name: "glob.matching.disabled", boolean: true, set: direct(func(c *config.Config) any { return &c.Fabio.PlainHosts })},
		{name: "glob.cache.size", set: same},
		{name: "log.access.target", set: func(r *fabioReader, p property) error {
			r.LB.AccessLog.Target = p.value
			return nil
		}},
		{name: "log.access.format", set: func(r *fabioReader, p property) error {
			if p.value != "" {
				r.LB.AccessLog.Format = p.value
			}
			return nil
		}},
		{name: "log.level", set: setFabioLogLevel},
		{name: "log.routes.format", set: same},
		{name: "insecure", boolean: true, set: same},
		{name: "bgp.enabled", boolean: true, set: boolean(func(r *fabioReader, on bool) {
			if on {
				r.Warnings = append(r.Warnings, "bgp.enabled: sluice announces no addresses: run a BGP speaker beside it")
			}
		})},
		{name: "runtime.gogc", set: direct(func(c *config.Config) any { return &c.Runtime.Garbage })},
		{name: "runtime.gomaxprocs", set: direct(func(c *config.Config) any { return &c.Runtime.Threads })},
	}
	for _, name := range []string{
		"asn", "routerid", "nexthop", "anycastaddresses", "peers", "listenport", "listenaddresses", "enablegrpc", "grpclistenaddress",
		"gobgpdcfgfile", "grpctls", "certfile", "keyfile",
	} {
		keys = append(keys, fabioKey{name: "bgp." + name, set: same}) // bgp.enabled tells
	}
	keys = append(keys, fabioMetricKeys()...)
	for _, name := range []string{"names", "interval", "timeout", "retry",
		"graphite.addr", "statsd.addr", "dogstatsd.addr", "circonus.apikey", "circonus.apiapp", "circonus.apiurl", "circonus.brokerid",
		"circonus.checkid", "circonus.submissionurl"} {
		keys = append(keys, fabioKey{name: "metrics." + name, set: without("metrics are served for Prometheus only")})
	}
	for _, name := range []string{"profile.mode", "profile.path", "aws.apigw.cert.cn", "tracing.TracingEnabled", "tracing.CollectorType",
		"tracing.ConnectString", "tracing.ServiceName", "tracing.Topic", "tracing.SamplerRate", "tracing.SpanHost", "tracing.SpanName"} {
		keys = append(keys, fabioKey{name: name, set: without("it has no equivalent")})
	}
	return keys
}

// same is for what makes no difference here.
func same(*fabioReader, property) error { return nil }

// without warns of what is not to be had.
func without(reason string) func(*fabioReader, property) error {
	return func(r *fabioReader, p property) error {
		if p.value != "" {
			r.warn(p, reason)
		}
		return nil
	}
}

func (r *fabioReader) warn(p property, reason string) {
	r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s has no effect: %s", p.origin, p.key, reason))
}

// direct is for what a setting stands for as it is.
func direct(field func(*config.Config) any) func(*fabioReader, property) error {
	return func(r *fabioReader, p property) error {
		if p.value == "" {
			return nil
		}
		return config.Assign(field(r.Config), p.value)
	}
}

// ofUI is the same for what concerns the pages.
func ofUI(field func(*config.FabioUI) any) func(*fabioReader, property) error {
	return direct(func(c *config.Config) any { return field(c.FabioUI) })
}

// duration is the same for durations; 0, which is no limit for Fabio, leaves
// the default.
func duration(field func(*config.Config) *time.Duration) func(*fabioReader, property) error {
	return func(r *fabioReader, p property) error {
		var d time.Duration
		if p.value == "" {
			return nil
		}
		if err := config.Assign(&d, p.value); err != nil {
			return err
		}
		if d > 0 {
			*field(r.Config) = d
		}
		return nil
	}
}

func boolean(set func(r *fabioReader, on bool)) func(*fabioReader, property) error {
	return func(r *fabioReader, p property) error {
		on, err := strconv.ParseBool(p.value)
		if err != nil {
			return fmt.Errorf("%q is not true or false", p.value)
		}
		set(r, on)
		return nil
	}
}

func setList(field func(*config.Config) *[]string) func(*fabioReader, property) error {
	return func(r *fabioReader, p property) error {
		list := field(r.Config)
		*list = nil
		for word := range strings.SplitSeq(p.value, ",") {
			if word = strings.TrimSpace(word); word != "" {
				*list = append(*list, word)
			}
		}
		return nil
	}
}

func oneOfThese(words ...string) func(*fabioReader, property) error {
	return func(_ *fabioReader, p property) error {
		if !slices.Contains(words, p.value) {
			return fmt.Errorf("%q is none of %s%s", p.value, strings.Join(words, ", "), nearest.Hint(p.value, "", slices.Values(words)))
		}
		return nil
	}
}

// setFabioMessages takes the lower one of both limits: every message is received
// and sent.
func setFabioMessages(r *fabioReader, p property) error {
	var most int
	if p.value == "" {
		return nil
	}
	if err := config.Assign(&most, p.value); err != nil {
		return err
	}
	if most < 1 {
		return fmt.Errorf("%d is no size of a message", most)
	}
	if limit := &r.LB.Limits.CallMessageBytes; *limit == 0 || most < *limit {
		*limit = most
	}
	return nil
}

// setFabioStatuses takes those that checks of Consul have. Fabio knows a fourth,
// which none has had for long.
func setFabioStatuses(r *fabioReader, p property) error {
	r.LB.Health.Statuses = nil
	for word := range strings.SplitSeq(p.value, ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "unknown":
		case "passing", "warning", "critical":
			r.LB.Health.Statuses = append(r.LB.Health.Statuses, word)
		default:
			return oneOfThese("passing", "warning", "critical", "unknown")(r, property{value: word})
		}
	}
	return nil
}

func setFabioLogLevel(r *fabioReader, p property) error {
	level := strings.ToLower(p.value)
	if level == "fatal" {
		level = "err"
	}
	return config.Assign(&r.LogLevel, level)
}

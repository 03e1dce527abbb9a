package fabio

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/admin/push"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// knownKey is a property of Fabio and what becomes of it.
type knownKey struct {
	name    string
	boolean bool
	set     func(r *reader, p Property) error
}

// reader puts properties into a configuration.
type reader struct {
	*config.Config
	getenv            func(string) string
	consistent, stale bool
	registry          registryWords
	vaultToken        string // where it is, if a source of certificates says so
	metrics           config.NamedMetrics
	metricsOn         bool
	pushes            config.MetricsPush // what all have in common
	pushTo            []push.Kind
	receivers         map[push.Kind]string // their addresses
}

func newReader(c *config.Config, getenv func(string) string) *reader {
	r := &reader{Config: c, getenv: getenv, registry: registryWords{scheme: "https"}}
	r.metrics.SetDefaults(hcl.Position{})
	r.metrics.Name = config.FabioNames
	r.pushes.SetDefaults(hcl.Position{})
	r.receivers = map[push.Kind]string{}
	return r
}

// finish is for what depends on several properties.
func (r *reader) finish() error {
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
	r.setPushes()
	if !strings.HasPrefix(r.Consul.Address, "https://") {
		r.Consul.SSL = config.SSL{} // as Fabio, for which none of it means that there is TLS
	}
	return r.registry.apply(r.Config)
}

func findKey(name string) (knownKey, bool) {
	keys := allKeys()
	i := slices.IndexFunc(keys, func(k knownKey) bool { return strings.EqualFold(k.name, name) })
	if i < 0 {
		return knownKey{}, false
	}
	return keys[i], true
}

// HasKey reports whether there is a property of that name.
func HasKey(name string) bool {
	_, ok := findKey(name)
	return ok
}

func keyNames() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, k := range allKeys() {
			if !yield(k.name) {
				return
			}
		}
	}
}

// allKeys is every property of Fabio 1.7.
func allKeys() []knownKey {
	return slices.Concat(proxyKeys(), headerKeys(), registryKeys(), consulKeys(), uiKeys(), otherKeys())
}

func proxyKeys() []knownKey {
	return []knownKey{
		{name: "proxy.addr", set: setListeners},
		{name: "proxy.cs", set: setCertificates},
		{name: "proxy.auth", set: setAuth},
		{name: "proxy.strategy", set: oneOfThese("rnd", "rr")},
		{name: "proxy.matcher", set: func(r *reader, p Property) error {
			if p.Value == "" {
				return nil
			}
			if err := oneOfThese("prefix", "iprefix", "glob")(r, p); err != nil {
				return err
			}
			r.Fabio.Matcher = p.Value
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
		{name: "proxy.gzip.contenttype", set: func(r *reader, p Property) error {
			r.Fabio.Compress = p.Value
			return (&spec.Compress{Pattern: p.Value}).Validate()
		}},
		{name: "proxy.grpcmaxrxmsgsize", set: setMessages},
		{name: "proxy.grpcmaxtxmsgsize", set: setMessages},
		{name: "proxy.grpcshutdowntimeout", set: duration(func(c *config.Config) *time.Duration { return &c.LB.Timeouts.DepartedCall })},
	}
}

func headerKeys() []knownKey {
	return []knownKey{
		{name: "proxy.header.clientip", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.ClientIP })},
		{name: "proxy.header.requestid", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.RequestID })},
		{name: "proxy.header.tls", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.TLS })},
		{name: "proxy.header.tls.value", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.TLSValue })},
		{name: "proxy.header.sts.maxage", set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.MaxAge })},
		{name: "proxy.header.sts.subdomains", boolean: true, set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.Subdomains })},
		{name: "proxy.header.sts.preload", boolean: true, set: direct(func(c *config.Config) any { return &c.LB.Forwarding.StrictTransport.Preload })},
	}
}

func consulKeys() []knownKey {
	const at = "registry.consul."
	return []knownKey{
		{name: at + "addr", set: direct(func(c *config.Config) any { return &c.Consul.Address })},
		{name: at + "token", set: direct(func(c *config.Config) any { return &c.Consul.Token })},
		{name: at + "namespace", set: direct(func(c *config.Config) any { return &c.Consul.Namespace })},
		{name: at + "tls.keyfile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.Key })},
		{name: at + "tls.certfile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.Cert })},
		{name: at + "tls.cafile", set: direct(func(c *config.Config) any { return &c.Consul.SSL.CACert })},
		{name: at + "tls.capath", set: direct(func(c *config.Config) any { return &c.Consul.SSL.CAPath })},
		{name: at + "tls.insecureskipverify", boolean: true, set: boolean(func(r *reader, on bool) {
			r.Consul.SSL.Verify = config.Some(!on)
		})},
		{name: at + "kvpath", set: direct(func(c *config.Config) any { return &c.Fabio.RoutesKey })},
		{name: at + "noroutehtmlpath", set: direct(func(c *config.Config) any { return &c.Fabio.NoRouteKey })},
		{name: at + "tagprefix", set: direct(func(c *config.Config) any { return &c.Tags.FabioPrefix })},
		{name: at + "service.status", set: setStatuses},
		{name: at + "checksRequired", set: func(r *reader, p Property) error {
			if err := oneOfThese("one", "all")(r, p); err != nil {
				return err
			}
			r.LB.Health.Checks = p.Value
			return nil
		}},
		{name: at + "serviceMonitors", set: same},
		{name: at + "pollinterval", set: same},
		{name: at + "requireConsistent", boolean: true, set: boolean(func(r *reader, on bool) { r.consistent = on })},
		{name: at + "allowStale", boolean: true, set: boolean(func(r *reader, on bool) { r.stale = on })},
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

func uiKeys() []knownKey {
	return []knownKey{
		{name: "ui.addr", set: setUI},
		{name: "ui.access", set: func(r *reader, p Property) error {
			r.FabioUI.ReadOnly = p.Value != "rw"
			return oneOfThese("ro", "rw")(r, p)
		}},
		{name: "ui.title", set: ofUI(func(ui *config.FabioUI) any { return &ui.Title })},
		{name: "ui.path", set: func(r *reader, p Property) error {
			if r.FabioUI.Path = strings.Trim(p.Value, "/"); r.FabioUI.Path != "" {
				r.FabioUI.Path = "/" + r.FabioUI.Path
			}
			return nil
		}},
		{name: "ui.color", set: without("the pages have no other colors than the browser's")},
		{name: "ui.routingtable.source.linkenabled", boolean: true, set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.On })},
		{name: "ui.routingtable.source.newtab", boolean: true, set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.NewTab })},
		{name: "ui.routingtable.source.scheme", set: func(r *reader, p Property) error {
			if p.Value == "" {
				return nil
			}
			r.FabioUI.Links.Scheme = p.Value
			return oneOfThese("http", "https")(r, p) // nothing that a browser would run
		}},
		{name: "ui.routingtable.source.host", set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.Host })},
		{name: "ui.routingtable.source.port", set: ofUI(func(ui *config.FabioUI) any { return &ui.Links.Port })},
	}
}

func otherKeys() []knownKey {
	keys := []knownKey{
		{name: "glob.matching.disabled", boolean: true, set: direct(func(c *config.Config) any { return &c.Fabio.PlainHosts })},
		{name: "glob.cache.size", set: same},
		{name: "log.access.target", set: func(r *reader, p Property) error {
			r.LB.AccessLog.Target = p.Value
			return nil
		}},
		{name: "log.access.format", set: func(r *reader, p Property) error {
			if p.Value != "" {
				r.LB.AccessLog.Format = p.Value
			}
			return nil
		}},
		{name: "log.level", set: setLogLevel},
		{name: "log.routes.format", set: same},
		{name: "insecure", boolean: true, set: same},
		{name: "bgp.enabled", boolean: true, set: boolean(func(r *reader, on bool) {
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
		keys = append(keys, knownKey{name: "bgp." + name, set: same}) // bgp.enabled tells
	}
	keys = append(keys, metricKeys()...)
	for _, name := range []string{
		"names", "timeout", "retry", // Fabio reads them no more
		"circonus.apikey", "circonus.apiapp", "circonus.apiurl", "circonus.brokerid", "circonus.checkid", "circonus.submissionurl", // metrics.target tells
	} {
		keys = append(keys, knownKey{name: "metrics." + name, set: same})
	}
	for _, name := range []string{"profile.mode", "profile.path", "aws.apigw.cert.cn", "tracing.TracingEnabled", "tracing.CollectorType",
		"tracing.ConnectString", "tracing.ServiceName", "tracing.Topic", "tracing.SamplerRate", "tracing.SpanHost", "tracing.SpanName"} {
		keys = append(keys, knownKey{name: name, set: without("it has no equivalent")})
	}
	return keys
}

// same is for what makes no difference here.
func same(*reader, Property) error { return nil }

// without warns of what is not to be had.
func without(reason string) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		if p.Value != "" {
			r.warn(p, reason)
		}
		return nil
	}
}

func (r *reader) warn(p Property, reason string) {
	r.Warnings = append(r.Warnings, fmt.Sprintf("%s: %s has no effect: %s", p.Origin, p.Key, reason))
}

// direct is for what a setting stands for as it is.
func direct(field func(*config.Config) any) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		if p.Value == "" {
			return nil
		}
		return config.Assign(field(r.Config), p.Value)
	}
}

// ofUI is the same for what concerns the pages.
func ofUI(field func(*config.FabioUI) any) func(*reader, Property) error {
	return direct(func(c *config.Config) any { return field(c.FabioUI) })
}

// duration is the same for durations; 0, which is no limit for Fabio, leaves
// the default.
func duration(field func(*config.Config) *time.Duration) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		var d time.Duration
		if p.Value == "" {
			return nil
		}
		if err := config.Assign(&d, p.Value); err != nil {
			return err
		}
		if d > 0 {
			*field(r.Config) = d
		}
		return nil
	}
}

func boolean(set func(r *reader, on bool)) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		on, err := strconv.ParseBool(p.Value)
		if err != nil {
			return fmt.Errorf("%q is not true or false", p.Value)
		}
		set(r, on)
		return nil
	}
}

func setList(field func(*config.Config) *[]string) func(*reader, Property) error {
	return func(r *reader, p Property) error {
		list := field(r.Config)
		*list = nil
		for word := range strings.SplitSeq(p.Value, ",") {
			if word = strings.TrimSpace(word); word != "" {
				*list = append(*list, word)
			}
		}
		return nil
	}
}

func oneOfThese(words ...string) func(*reader, Property) error {
	return func(_ *reader, p Property) error {
		if !slices.Contains(words, p.Value) {
			return fmt.Errorf("%q is none of %s%s", p.Value, strings.Join(words, ", "), nearest.Hint(p.Value, "", slices.Values(words)))
		}
		return nil
	}
}

// setMessages takes the lower one of both limits: every message is received
// and sent.
func setMessages(r *reader, p Property) error {
	var most int
	if p.Value == "" {
		return nil
	}
	if err := config.Assign(&most, p.Value); err != nil {
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

// setStatuses takes those that checks of Consul have. Fabio knows a fourth,
// which none has had for long.
func setStatuses(r *reader, p Property) error {
	r.LB.Health.Statuses = nil
	for word := range strings.SplitSeq(p.Value, ",") {
		switch word = strings.TrimSpace(word); word {
		case "", "unknown":
		case "passing", "warning", "critical":
			r.LB.Health.Statuses = append(r.LB.Health.Statuses, word)
		default:
			return oneOfThese("passing", "warning", "critical", "unknown")(r, Property{Value: word})
		}
	}
	return nil
}

func setLogLevel(r *reader, p Property) error {
	level := strings.ToLower(p.Value)
	if level == "fatal" {
		level = "err"
	}
	return config.Assign(&r.LogLevel, level)
}

package fabioapi

import (
	"runtime"
	"slices"
	"time"
)

// settingsShown are those that are shown as they are given.
func settingsShown() []setting {
	return slices.Concat(proxyShown(), registryShown(), otherShown())
}

func proxyShown() []setting {
	return []setting{
		{"Proxy.GZIPContentTypes", "proxy.gzip.contenttype", ""},
		{"Proxy.Strategy", "proxy.strategy", "rnd"},
		{"Proxy.Matcher", "proxy.matcher", "prefix"},
		{"Proxy.LocalIP", "proxy.localip", ""},
		{"Proxy.ClientIPHeader", "proxy.header.clientip", ""},
		{"Proxy.TLSHeader", "proxy.header.tls", ""},
		{"Proxy.TLSHeaderValue", "proxy.header.tls.value", ""},
		{"Proxy.RequestID", "proxy.header.requestid", ""},
		{"Proxy.STSHeader.MaxAge", "proxy.header.sts.maxage", 0},
		{"Proxy.STSHeader.Subdomains", "proxy.header.sts.subdomains", false},
		{"Proxy.STSHeader.Preload", "proxy.header.sts.preload", false},
		{"Proxy.NoRouteStatus", "proxy.noroutestatus", 404},
		{"Proxy.MaxConn", "proxy.maxconn", 10000},
		{"Proxy.ShutdownWait", "proxy.shutdownwait", time.Duration(0)},
		{"Proxy.DeregisterGracePeriod", "proxy.deregistergraceperiod", time.Duration(0)},
		{"Proxy.DialTimeout", "proxy.dialtimeout", 30 * time.Second},
		{"Proxy.ResponseHeaderTimeout", "proxy.responseheadertimeout", time.Duration(0)},
		{"Proxy.KeepAliveTimeout", "proxy.keepalivetimeout", time.Duration(0)},
		{"Proxy.IdleConnTimeout", "proxy.idleconntimeout", 15 * time.Second},
		{"Proxy.FlushInterval", "proxy.flushinterval", time.Second},
		{"Proxy.GlobalFlushInterval", "proxy.globalflushinterval", time.Duration(0)},
		{"Proxy.GRPCMaxRxMsgSize", "proxy.grpcmaxrxmsgsize", 4 << 20},
		{"Proxy.GRPCMaxTxMsgSize", "proxy.grpcmaxtxmsgsize", 4 << 20},
		{"Proxy.GRPCGShutdownTimeout", "proxy.grpcshutdowntimeout", 2 * time.Second},
	}
}

func registryShown() []setting {
	return []setting{
		{"Registry.Backend", "registry.backend", "consul"},
		{"Registry.Timeout", "registry.timeout", 10 * time.Second},
		{"Registry.Retry", "registry.retry", 500 * time.Millisecond},
		{"Registry.Static.Routes", "registry.static.routes", ""},
		{"Registry.Static.NoRouteHTML", "registry.static.noroutehtml", ""},
		{"Registry.File.RoutesPath", "registry.file.path", ""},
		{"Registry.File.NoRouteHTMLPath", "registry.file.noroutehtmlpath", ""},
		{"Registry.Custom.Host", "registry.custom.host", ""},
		{"Registry.Custom.Scheme", "registry.custom.scheme", "https"},
		{"Registry.Custom.Path", "registry.custom.path", ""},
		{"Registry.Custom.QueryParams", "registry.custom.queryparams", secretSetting("")},
		{"Registry.Custom.Timeout", "registry.custom.timeout", 5 * time.Second},
		{"Registry.Custom.PollInterval", "registry.custom.pollinterval", 10 * time.Second},
		{"Registry.Custom.CheckTLSSkipVerify", "registry.custom.checkTLSSkipVerify", false},
		{"Registry.Custom.NoRouteHTML", "registry.custom.noroutehtml", ""},
		{"Registry.Consul.Token", "registry.consul.token", secretSetting("")},
		{"Registry.Consul.Namespace", "registry.consul.namespace", ""},
		{"Registry.Consul.KVPath", "registry.consul.kvpath", "/fabio/config"},
		{"Registry.Consul.NoRouteHTMLPath", "registry.consul.noroutehtmlpath", "/fabio/noroute.html"},
		{"Registry.Consul.TagPrefix", "registry.consul.tagprefix", "urlprefix-"},
		{"Registry.Consul.ServiceStatus", "registry.consul.service.status", []string{"passing"}},
		{"Registry.Consul.ChecksRequired", "registry.consul.checksRequired", "one"},
		{"Registry.Consul.ServiceMonitors", "registry.consul.serviceMonitors", 1},
		{"Registry.Consul.PollInterval", "registry.consul.pollinterval", time.Duration(0)},
		{"Registry.Consul.RequireConsistent", "registry.consul.requireConsistent", true},
		{"Registry.Consul.AllowStale", "registry.consul.allowStale", false},
		{"Registry.Consul.Register", "registry.consul.register.enabled", true},
		{"Registry.Consul.ServiceName", "registry.consul.register.name", "fabio"},
		{"Registry.Consul.ServiceTags", "registry.consul.register.tags", []string(nil)},
		{"Registry.Consul.CheckInterval", "registry.consul.register.checkInterval", time.Second},
		{"Registry.Consul.CheckTimeout", "registry.consul.register.checkTimeout", 3 * time.Second},
		{"Registry.Consul.CheckTLSSkipVerify", "registry.consul.register.checkTLSSkipVerify", false},
		{"Registry.Consul.TLS.KeyFile", "registry.consul.tls.keyfile", ""},
		{"Registry.Consul.TLS.CertFile", "registry.consul.tls.certfile", ""},
		{"Registry.Consul.TLS.CAFile", "registry.consul.tls.cafile", ""},
		{"Registry.Consul.TLS.CAPath", "registry.consul.tls.capath", ""},
		{"Registry.Consul.TLS.InsecureSkipVerify", "registry.consul.tls.insecureskipverify", false},
	}
}

func otherShown() []setting {
	return []setting{
		{"Log.AccessFormat", "log.access.format", "common"},
		{"Log.AccessTarget", "log.access.target", ""},
		{"Log.RoutesFormat", "log.routes.format", "delta"},
		{"Log.Level", "log.level", "INFO"},
		{"ProfileMode", "profile.mode", ""},
		{"ProfilePath", "profile.path", ""},
		{"Metrics.Target", "metrics.target", ""},
		{"Metrics.Prefix", "metrics.prefix", "{{clean .Hostname}}.{{clean .Exec}}"},
		{"Metrics.Interval", "metrics.interval", 30 * time.Second},
		{"Metrics.GraphiteAddr", "metrics.graphite.addr", ""},
		{"Metrics.StatsDAddr", "metrics.statsd.addr", ""},
		{"Metrics.DogstatsdAddr", "metrics.dogstatsd.addr", ""},
		{"Metrics.Circonus.APIKey", "metrics.circonus.apikey", secretSetting("")},
		{"Metrics.Prometheus.Subsystem", "metrics.prometheus.subsystem", ""},
		{"Metrics.Prometheus.Path", "metrics.prometheus.path", "/metrics"},
		{"BGP.BGPEnabled", "bgp.enabled", false},
		{"UI.Title", "ui.title", ""},
		{"UI.Color", "ui.color", "light-green"},
		{"UI.Access", "ui.access", "rw"},
		{"UI.Path", "ui.path", ""},
		{"UI.RoutingTable.Source.LinkEnabled", "ui.routingtable.source.linkenabled", false},
		{"UI.RoutingTable.Source.NewTab", "ui.routingtable.source.newtab", true},
		{"UI.RoutingTable.Source.Scheme", "ui.routingtable.source.scheme", "http"},
		{"UI.RoutingTable.Source.Host", "ui.routingtable.source.host", ""},
		{"UI.RoutingTable.Source.Port", "ui.routingtable.source.port", ""},
		{"Runtime.GOGC", "runtime.gogc", 100},
		{"Runtime.GOMAXPROCS", "runtime.gomaxprocs", runtime.GOMAXPROCS(0)},
		{"GlobCacheSize", "glob.cache.size", 1000},
		{"GlobMatchingDisabled", "glob.matching.disabled", false},
		{"Insecure", "insecure", false},
	}
}

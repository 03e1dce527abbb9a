package tags

import (
	"strings"
	"testing"
)

// What a malformed tag takes with it.
type loss string

const (
	nothing  loss = "nothing"
	router1  loss = "its router"
	instance loss = "the instance's Traefik tags"
)

// TestBadTags has an instance with one tag that cannot be honoured. What it takes
// with it is as the contract has it and no more; a problem names the tag, and the
// byte if it is in the value.
func TestBadTags(t *testing.T) {
	modern := []string{"http.routers.own.rule=Host(`own`)", "http.routers.own.service=own", "http.services.own.loadbalancer.server.port=1"}
	old := []string{"frontend.rule=Host:own"}
	tests := []struct {
		with   []string // further tags
		bad    string   // key and value
		at     string   // what the offset points to
		loses  loss
		reason string
	}{
		// Keys of v2/v3.
		{bad: "http.routers=x", loses: nothing, reason: "ends too early"},
		{bad: "http.routers.own=x", loses: nothing, reason: "ends too early"},
		{bad: "http.routers..rule=x", loses: instance, reason: "an element of the key is empty"},
		{bad: "http.routes.own.rule=x", loses: instance, reason: "unknown element routes"},
		{bad: "http.routers.own.rules=x", loses: instance, reason: "routers have no option rules"},
		{bad: "http.routers.own.priority=high", at: "high", loses: instance, reason: "not a whole number"},
		{bad: "http.routers.own.priority=1.5", at: "1.5", loses: instance, reason: "not a whole number"},
		{bad: "http.routers.own.tls=yes", at: "yes", loses: instance, reason: "not a boolean"},
		{bad: "http.routers.own.observability.accesslogs=off", at: "off", loses: instance, reason: "not a boolean"},
		{bad: "http.routers.own.observability.logs=true", loses: instance, reason: "no option observability.logs"},
		{bad: "http.routers.own.rulesyntax=v4", loses: nothing, reason: "no rule syntax v4"},
		{with: []string{"http.routers.own.priority=1"}, bad: "http.routers.own.Priority=2", loses: instance, reason: "twice with different values"},
		{bad: "http.services.x.loadbalancer.server.port=http", at: "http", loses: instance, reason: "not a whole number"},
		{bad: "http.services.x.loadbalancer.server.port=0", at: "0", loses: instance, reason: "1 to 65535"},
		{bad: "http.services.x.loadbalancer.server.weight=much", at: "much", loses: instance, reason: "not a whole number"},
		{bad: "http.services.x.loadbalancer.passhostheader=2", at: "2", loses: instance, reason: "not a boolean"},
		{bad: "http.services.x.loadbalancer.sticky.cookie.maxage=long", at: "long", loses: instance, reason: "not a whole number"},
		{bad: "http.services.x.loadbalancer.sticky.cookie.secure=sure", at: "sure", loses: instance, reason: "not a boolean"},
		{bad: "http.services.x.loadbalancer.healthcheck.interval=often", at: "often", loses: instance, reason: "not a duration"},
		{bad: "http.services.own.loadbalancer.healthcheck.interval=10ms", loses: nothing, reason: "must be 100ms or more; it is 100ms"},
		{bad: "http.services.own.loadbalancer.healthcheck.unhealthyinterval=1ms", loses: nothing, reason: "must be 100ms or more; it is 100ms"},
		{bad: "http.services.own.loadbalancer.healthcheck.unhealthyinterval=-1", loses: nothing, reason: "must be above 0; while"},
		{bad: "http.services.own.loadbalancer.healthcheck.interval=0", loses: nothing, reason: "must be above 0; it is 30s"},
		{bad: "http.services.own.loadbalancer.healthcheck.timeout=-1s", loses: nothing, reason: "must be above 0; it is 5s"},
		{bad: "http.services.x.loadbalancer.responseforwarding.flushinterval=soon", at: "soon", loses: instance, reason: "not a duration"},
		{bad: "http.services.x.loadbalancer.servers[0].port=1", loses: instance, reason: "no option"},
		{bad: "http.services.x.weighted.services[0].weight=some", at: "some", loses: instance, reason: "not a whole number"},
		{bad: "http.middlewares.m.stripprefixes.prefixes=/x", loses: instance, reason: "no kind of middleware stripprefixes"},
		{bad: "http.middlewares.m.stripprefix.prefix=/x", loses: instance, reason: "no option"},
		{bad: "http.middlewares.m.ratelimit.average=lots", at: "lots", loses: instance, reason: "not a whole number"},
		{bad: "http.middlewares.m.ratelimit.period=1x", at: "1x", loses: instance, reason: "not a duration"},
		{bad: "http.middlewares.m.headers.framedeny=DENY", at: "…", loses: instance, reason: "not a boolean"},
		{bad: "http.middlewares.m.compress=gzip", at: "gzip", loses: instance, reason: "not a boolean"},
		{bad: "http.middlewares.m.replacepathregex.regex=(", loses: nothing, reason: "missing closing"},
		{with: []string{"http.middlewares.m.circuitbreaker.expression=NetworkErrorRatio() > 0.5"}, bad: "http.middlewares.m.circuitbreaker.responsecode=101", loses: nothing, reason: "101 is no status"},
		{with: []string{"http.middlewares.m.ipallowlist.sourcerange=10.0.0.0/8"}, bad: "http.middlewares.m.ipallowlist.rejectstatuscode=1000", loses: nothing, reason: "1000 is no status"},
		{bad: "http.middlewares.m.ipallowlist.sourcerange=10.0.0.0/33", loses: nothing, reason: "10.0.0.0/33"},
		{bad: "http.middlewares.m.plugin.x.y=z", loses: nothing, reason: "plugins of Traefik cannot run here"},
		{bad: "tcp.routers.t.priority=x", at: "x", loses: instance, reason: "not a whole number"},
		{bad: "tcp.routers.t.rule=Host(`x`)", at: "Host(", loses: nothing, reason: "unknown matcher Host"},
		{bad: "tcp.middlewares.m.inflightconn.amount=x", at: "x", loses: instance, reason: "not a whole number"},
		{bad: "udp.routers.u.rule=x", loses: instance, reason: "UDP routers have no option rule"},
		{bad: "udp.services.u.loadbalancer.server.port=70000", at: "70000", loses: instance, reason: "1 to 65535"},
		// Rules of v3: the offset is that of the fault.
		{bad: "http.routers.r.rule=Host(`a`", at: "", loses: nothing, reason: "found the end"},
		{bad: "http.routers.r.rule=Host(`a`) && ", at: "", loses: nothing, reason: "found the end where a matcher"},
		{bad: "http.routers.r.rule=Host(`a`) Path(`/b`)", at: "Path(`/b`)", loses: nothing, reason: "where &&, || or the end"},
		{bad: "http.routers.r.rule=Host('a')", at: "'a')", loses: nothing, reason: "single quotes"},
		{bad: "http.routers.r.rule=hostName(`a`)", at: "hostName(`a`)", loses: nothing, reason: "unknown matcher hostName"},
		{bad: "http.routers.r.rule=Host(``)", at: "``)", loses: nothing, reason: "empty"},
		{bad: "http.routers.r.rule=Path(`b`)", at: "`b`)", loses: nothing, reason: "slash"},
		{bad: "http.routers.r.rule=Host(`a`) && PathRegexp(`[`)", at: "`[`)", loses: nothing, reason: "missing closing ]"},
		{bad: "http.routers.r.rule=ClientIP(`10.0.0.300`)", at: "`10.0.0.300`)", loses: nothing, reason: "10.0.0.300"},
		{bad: "http.routers.r.rule=Header(`a`)", at: "Header(`a`)", loses: nothing, reason: "argument"},

		// v1: what cannot be read has its default, a bad rule loses its frontend.
		{with: old, bad: "frontend.priority=high", at: "high", loses: nothing, reason: "not a whole number; the default"},
		{with: old, bad: "frontend.passHostHeader=perhaps", at: "perhaps", loses: nothing, reason: "not a boolean; the default"},
		{with: old, bad: "weight=heavy", at: "heavy", loses: nothing, reason: "not a whole number; 1 is used"},
		{with: old, bad: "backend.maxconn.amount=x", at: "x", loses: nothing, reason: "not a whole number; the default"},
		{with: old, bad: "backend.maxconn.extractorfunc=me", at: "me", loses: nothing, reason: "none of client.ip"},
		{with: old, bad: "backend.healthcheck.interval=10ms", loses: nothing, reason: "must be 100ms or more; it is 100ms"},
		{with: old, bad: "backend.healthcheck.interval=x", at: "x", loses: nothing, reason: "not a duration"},
		{with: old, bad: "backend.loadbalancer.stickiness=x", at: "x", loses: nothing, reason: "not a boolean"},
		{with: old, bad: "frontend.headers.customRequestHeaders=X-A", at: "…", loses: nothing, reason: "Name:value"},
		{with: old, bad: "frontend.rateLimit.rateSet.a.period=x", at: "x", loses: nothing, reason: "not a duration"},
		{with: old, bad: "backend.responseForwarding.flushInterval=soon", at: "soon", loses: nothing, reason: "not a duration"},
		{with: old, bad: "backend.responseForwarding.interval=1s", loses: nothing, reason: "not known and ignored"},
		{with: old, bad: "backend.loadbalancer.method=random", at: "random", loses: nothing, reason: "no method random"},
		{with: old, bad: "backend.loadbalancer.stickiness.sameSite=sometimes", at: "sometimes", loses: nothing, reason: "none of none, lax, strict"},
		{with: old, bad: "backend.loadbalancer.stickiness.secure=sure", at: "sure", loses: nothing, reason: "not a boolean"},
		{with: old, bad: "backend.loadbalancer.stickiness.cookieName=a\x01", loses: nothing, reason: "name of a cookie"},
		{with: old, bad: "backend.healthcheck.port=http", at: "http", loses: nothing, reason: "not a whole number"},
		{with: old, bad: "backend.healthcheck.headers=X", loses: nothing, reason: "Name:value"},
		{with: old, bad: "backend.buffering.memRequestBodyBytes=1k", at: "1k", loses: nothing, reason: "not a whole number"},
		{with: old, bad: "backend.buffering.sizes=1", loses: nothing, reason: "not known and ignored"},
		{with: old, bad: "protocol=ftp", loses: nothing, reason: "ftp"},
		{with: old, bad: "frontend.headers.STSSeconds=long", at: "…", loses: nothing, reason: "not a whole number"},
		{with: old, bad: "frontend.headers.SSLRedirect=perhaps", at: "…", loses: nothing, reason: "not a boolean"},
		{with: old, bad: "frontend.headers.frameDenied=true", loses: nothing, reason: "not known and ignored"},
		{with: old, bad: "frontend.redirect.permanent=perhaps", at: "perhaps", loses: nothing, reason: "not a boolean"},
		{with: old, bad: "frontend.whiteList.useXForwardedFor=perhaps", at: "perhaps", loses: router1, reason: "not a boolean"},
		{with: old, bad: "frontend.passTLSClientCert.pem=perhaps", at: "perhaps", loses: nothing, reason: "not a boolean"},
		{with: old, bad: "frontend.rateLimit.extractorFunc=me", at: "me", loses: nothing, reason: "none of client.ip"},
		{with: old, bad: "frontend.rateLimit.rateSet.average=1", loses: nothing, reason: "not known and ignored"},
		{with: append([]string{"frontend.errors.e.status=500"}, old...), bad: "frontend.errors.e.backend=web", loses: nothing, reason: "own backend"},
		{with: old, bad: "frontend.colour=blue", loses: nothing, reason: "not known and ignored"},
		{with: old, bad: "frontend.auth.basics.users=a", loses: router1, reason: "might be what keeps strangers out"},
		{with: old, bad: "frontend.whiteList.sourceRange=10.0.0.0/40", loses: router1, reason: "10.0.0.0/40"},
		{with: old, bad: "frontend.errors.e.status=all", loses: router1, reason: "status and service are both needed"},
		{with: append([]string{"frontend.errors.e.backend=b"}, old...), bad: "frontend.errors.e.status=all", loses: router1, reason: "all"},
		{with: old, bad: "frontend.redirect.regex=(", loses: nothing, reason: "needs both"},
		{with: old, bad: "frontend.redirect.replacement=x", loses: nothing, reason: "needs both"},
		{with: append([]string{"frontend.redirect.replacement=x"}, old...), bad: "frontend.redirect.regex=(", loses: router1, reason: "missing closing"},
		{with: old, bad: "frontends.more.rule=Hosts:x", at: "Hosts:x", loses: nothing, reason: "unknown matcher Hosts"},
		{with: old, bad: "frontends.more.rule=Host:x;Path:y", at: "Path:y", loses: nothing, reason: "slash"},
		{with: old, bad: "frontends.more.rule=Host:x; PathPrefix:", at: "PathPrefix:", loses: nothing, reason: "no argument"},
		{with: old, bad: "frontends.more.rule=HeadersRegexp:A,(", at: "HeadersRegexp:A,(", loses: nothing, reason: "missing closing"},
		{with: old, bad: "frontends.more.rule={{ .Nothing }}", loses: nothing, reason: "template"},
		{bad: "enable=perhaps", at: "perhaps", loses: instance, reason: "not a boolean; the instance gets no routes"},
		{with: old, bad: "enable=perhaps", at: "perhaps", loses: nothing, reason: "not a boolean; the default applies"},
	}
	for _, test := range tests {
		t.Run(test.bad, func(t *testing.T) {
			tags := test.with
			if len(tags) == 0 || !strings.HasPrefix(tags[0], "frontend") {
				tags = append(tags, modern...)
			}
			bad := Instance{ID: "bad", Node: "n", Address: "a", Port: 1, Serving: true}
			for _, tag := range append(tags, test.bad) {
				bad.Tags = append(bad.Tags, "traefik."+tag)
			}
			o := DefaultOptions()
			o.DefaultRule1 = "Host:other"
			d := Parse(o, "web", []Instance{bad, {ID: "good", Node: "n", Address: "b", Port: 1, Serving: true, Tags: []string{
				"traefik.http.routers.good.rule=Host(`good`)", "traefik.http.routers.good.service=good",
				"traefik.http.services.good.loadbalancer.server.port=1",
			}}})
			own, good := false, false
			for _, r := range d.Routes {
				own = own || r.Rule == "Host(`own`)" || r.Rule == "Host:own"
				good = good || r.Name == "good"
			}
			if !good || own != (test.loses == nothing) {
				t.Errorf("its own route stands: %v, it should lose %s; the other instance's stands: %v", own, test.loses, good)
			}
			if len(d.Problems) == 0 {
				t.Fatal("no problem tells of it")
			}
			p := d.Problems[0]
			if !strings.Contains(p.Reason, test.reason) || p.Instance != "bad" {
				t.Errorf("the problem of %s is %q, want %q", p.Instance, p.Reason, test.reason)
			}
			if test.at != "" && (p.Offset < 0 || p.Tag[p.Offset:] != test.at && !strings.HasPrefix(p.Tag[p.Offset:], test.at)) {
				t.Errorf("the offset is %d in %q, want that of %q", p.Offset, p.Tag, test.at)
			}
		})
	}
}

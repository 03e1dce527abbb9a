package middleware

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// tableOf is the table of one service with one instance, with these tags.
func tableOf(tags ...string) *lb.Table {
	o := lb.DefaultOptions()
	o.Middlewares = NewRegistry()
	instance := watch.Instance{Service: watch.ServiceInfo{ID: "web-1", Name: "web", Address: "192.0.2.1", Port: 80, Tags: tags}}
	snapshot := watch.NewSnapshot(1, map[watch.Query]watch.Entry{
		watch.Services{}:             {Value: []watch.ServiceTags{{Name: "web", Tags: tags}}, Known: true, Version: 1},
		watch.Health{Service: "web"}: {Value: []watch.Instance{instance}, Known: true, Version: 1},
	})
	return lb.NewBuilder(o, target.NewRegistry(nil)).Build(snapshot)
}

// Options that are well formed and make no sense turn the routers off that name
// the middleware. A problem says so, and what is beside them is served.
func TestTagsWithoutSense(t *testing.T) {
	for _, tt := range []struct{ tags, problem string }{
		{"addprefix.prefix=", "no prefix"},
		{"stripprefixregex.regex=(", "missing closing"},
		{"stripprefixregex.regex=/a, [", "missing closing"},
		{"replacepathregex.regex=(", "missing closing"},
		{"replacepathregex.regex=", "empty"},
		{"redirectscheme.permanent=true", "no scheme"},
		{"redirectscheme.scheme=https redirectscheme.port=http", "not a number from 1 to 65535"},
		{"redirectscheme.scheme=https redirectscheme.port=0", "not a number from 1 to 65535"},
		{"redirectregex.regex=*", "missing argument"},
		{"headers.framedeny=false", "nothing is set"},
		{"headers.sslredirect=true", "nothing is set"},
		{"headers.accesscontrolalloworiginlistregex=(", "missing closing"},
		{"headers.customrequestheaders.X Y=1", `"X Y" is no name`},
		{"headers.customresponseheaders.X:Y=1", `"X:Y" is no name`},
		{"headers.customrequestheaders.X=a\nb", "end of a line"},
		{"headers.customresponseheaders.X=a\x7fb", "cannot be sent"},
		{"headers.contentsecuritypolicy=a\r\nSet-Cookie: x", "cannot be sent"},
		{"headers.referrerpolicy=a\nb", "cannot be sent"},
		{"headers.customframeoptionsvalue=a\nb", "cannot be sent"},
		{"headers.accesscontrolallowmethods=a\nb headers.accesscontrolalloworiginlist=*", "cannot be sent"},
		{"headers.accesscontrolexposeheaders=a\nb headers.accesscontrolalloworiginlist=*", "cannot be sent"},
		{"basicauth.realm=x", "users"},
		{"basicauth.users=alice", "not of the form name:hash"},
		{"basicauth.users=alice:s3cret", "no known form"},
		{"basicauth.users=alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ= basicauth.headerfield=X Y", "X Y"},
		{"digestauth.realm=x", "users"},
		{"digestauth.users=alice:traefik:e66182e4199fd90e2499700ddd5c3e17 digestauth.headerfield=X:Y", "X:Y"},
		{"digestauth.users=alice:traefik", "name:realm:ha1"},
		{"forwardauth.trustforwardheader=true", "no address"},
		{"forwardauth.address=/auth", "no http or https URL"},
		{"forwardauth.address=ftp://auth", "no http or https URL"},
		{"forwardauth.address=http://auth forwardauth.authresponseheadersregex=(", "missing closing"},
		{"forwardauth.address=http://auth forwardauth.tls.ca=/nonexistent", "no such file"},
		{"jwt.issuers=x", "come from one of"},
		{"jwt.secret=s3cret", "32 bytes"},
		{"jwt.keyfile=x jwt.algorithms=none", "no algorithm"},
		{"jwt.secret=s3cret of thirty-two bytes or so jwt.headers.X Y=sub", `"X Y"`},
		{"ipallowlist.ipstrategy.depth=1", "no source ranges"},
		{"ipallowlist.sourcerange=localhost", "localhost"},
		{"ipallowlist.sourcerange=::/0, 10.0.0.0/33", "10.0.0.0/33"},
		{"ipallowlist.sourcerange=::/0 ipallowlist.ipstrategy.depth=-1", "depth"},
		{"ipallowlist.sourcerange=::/0 ipallowlist.ipstrategy.excludedips=x", `"x"`},
		{"ipallowlist.sourcerange=::/0 ipallowlist.rejectstatuscode=99", "99"},
		{"ratelimit.average=-1", "below 0"},
		{"ratelimit.average=1 ratelimit.burst=-1", "below 0"},
		{"ratelimit.average=1 ratelimit.period=-1s", "below 0"},
		{"ratelimit.average=1 ratelimit.sourcecriterion.requesthost=true ratelimit.sourcecriterion.requestheadername=X", "one"},
		{"inflightreq.amount=0", "above 0"},
		{"inflightreq.amount=-1", "above 0"},
		{"buffering.maxrequestbodybytes=-1", "below 0"},
		{"buffering.memresponsebodybytes=-1", "below 0"},
		{"buffering.retryexpression=Attempts(", "expected"},
		{"buffering.retryexpression=Nothing() > 1", "Nothing"},
		{"retry.attempts=0", "attempts"},
		{"retry.attempts=2 retry.status=5xx", "5xx"},
		{"retry.attempts=2 retry.status=599-500", "599-500"},
		{"circuitbreaker.expression=", "no expression"},
		{"circuitbreaker.expression=Nothing() > 1", "no function Nothing"},
		{"circuitbreaker.expression=NetworkErrorRatio() > 0.5 circuitbreaker.responsecode=99", "99"},
		{"compress.encodings=lzma", "lzma"},
		{"compress.defaultencoding=lzma", "lzma"},
		{"compress.excludedcontenttypes=/", "no media type"},
		{"compress.excludedcontenttypes=a/b compress.includedcontenttypes=a/b", "not both"},
		{"errors.status=5xx errors.service=web errors.query=/", "5xx"},
		{"errors.service=web", "status"},
		{"errors.status=500", "service"},
		{"errors.status=500 errors.service=nowhere", "no service nowhere"},
		{"errors.status=500 errors.service=web errors.statusrewrites.x=500", "x"},
		{"errors.status=500 errors.service=web errors.statusrewrites.500=99", "99"},
		{"chain.middlewares=m", "contains itself"},
		{"chain.middlewares=nowhere", "no middleware nowhere"},
		{"plugin.x.y=z", "plugins"},
	} {
		tags := []string{
			"traefik.http.routers.bad.rule=Host(`bad`)", "traefik.http.routers.bad.middlewares=m",
			"traefik.http.routers.good.rule=Host(`good`)",
		}
		for _, option := range options(tt.tags) {
			tags = append(tags, "traefik.http.middlewares.m."+option)
		}
		table := tableOf(tags...)
		if routes := table.Routes(); len(routes) != 1 || routes[0].Name != "good" {
			t.Errorf("%q: %d routes are served, want the good one alone", tt.tags, len(routes))
		}
		told := false
		for _, p := range table.Problems() {
			told = told || strings.Contains(p.Reason, tt.problem) && p.Service == "web" && strings.HasPrefix(p.Tag, "traefik.http.")
			if strings.Contains(p.Error(), "s3cret") {
				t.Errorf("%q: a problem tells a secret: %v", tt.tags, p)
			}
		}
		if !told {
			t.Errorf("%q: no problem says %q: %v", tt.tags, tt.problem, table.Problems())
		}
	}
}

// Options that ask for what cannot be had leave their router served, as Traefik
// does, and a problem tells of them.
func TestTagsWithoutEffect(t *testing.T) {
	for _, tt := range []struct{ tags, problem string }{
		{"traefik.http.middlewares.m.headers.customrequestheaders.Transfer-Encoding=chunked", "Transfer-Encoding cannot be set"},
		{"traefik.http.middlewares.m.headers.customrequestheaders.connection= traefik.http.middlewares.m.headers.customresponseheaders.X-A=1", "connection cannot be set"},
		{"traefik.http.middlewares.m.headers.customresponseheaders.Content-Length=1 traefik.http.middlewares.m.headers.customrequestheaders.TE=x", "Content-Length, TE cannot be set"},
		{"traefik.http.middlewares.m.replacepath.path=", "it names none"},
		{"traefik.http.middlewares.m.stripprefix.prefixes=", "does nothing"},
		{"traefik.http.middlewares.m.basicauth.users=alice:s3cret,bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "is not let in"},
		{"traefik.frontend.headers.customRequestHeaders=Connection:s3cret||X-A:1", "Connection cannot be set"},
		{"traefik.frontend.headers.customResponseHeaders=Upgrade:x", "Upgrade cannot be set"},
	} {
		tags := options(tt.tags)
		if strings.Contains(tt.tags, ".http.") {
			tags = append(tags, "traefik.http.routers.r.rule=Host(`h`)", "traefik.http.routers.r.middlewares=m")
		}
		table := tableOf(tags...)
		problems := table.Problems()
		if len(table.Routes()) != 1 || len(problems) != 1 || !strings.Contains(problems[0].Reason, tt.problem) || strings.Contains(problems[0].Error(), "s3cret") {
			t.Errorf("%q: %d routes, problems %v; want one of each, %q", tt.tags, len(table.Routes()), problems, tt.problem)
		}
	}
}

// What keeps strangers out by tags of no dialect, and cannot be made, keeps out
// everybody; the other routes stand.
func TestGuardOfTagsThatCannotBeMade(t *testing.T) {
	for _, tag := range []string{"sluice.jwt.key=nothing of use", "sluice.jwt.issuers=x", "sluice.jwt.secret=s3cret", "sluice.jwt", "sluice.jwt.leeway=soon"} {
		table := tableOf("urlprefix-h/", tag)
		routes := table.Routes()
		if len(routes) != 1 || len(routes[0].Steps) != 1 || routes[0].Steps[0].Spec != (spec.Unauthorized{}) {
			t.Errorf("%s: routes %+v", tag, routes)
		}
		if problems := table.Problems(); len(problems) != 1 || !strings.HasSuffix(problems[0].Reason, "nobody is let in") || strings.Contains(problems[0].Error(), "s3cret") {
			t.Errorf("%s: problems %v", tag, problems)
		}
	}
}

// options takes "kind.a=x kind.b=y" apart.
func options(text string) []string {
	kind, _, _ := strings.Cut(text, ".")
	list := strings.Split(text, " "+kind+".")
	for i := range list[1:] {
		list[i+1] = kind + "." + list[i+1]
	}
	return list
}

package lb

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// TestFabioMatching has a test for each row of how Fabio finds a route: which
// one a request is for, or none.
func TestFabioMatching(t *testing.T) {
	for _, row := range []struct {
		name     string
		routes   string // sources and options, separated by commas
		change   func(*tags.Options)
		requests map[string]string // URL: source of the route
	}{
		{"dot segments are resolved before routing", "/a, /b", nil, map[string]string{
			"http://x/b/../a": "/a", "http://x/b/%2e%2e/a": "/a", "http://x//a": "/a"}},
		{"the default port of the scheme is none", "x:80/, y:443/, z/", nil, map[string]string{
			"http://x/": "x:80/", "http://x:80/": "x:80/", "https://y/": "y:443/", "http://z:80/": "z/", "https://x/": "", "https://y:443/": "y:443/"}},
		{"a pattern without port does not match another port", "x/, x:1234/", nil, map[string]string{
			"http://x:1234/": "x:1234/", "http://x:99/": "", "http://x/": "x/"}},
		{"patterns of ports are for ports that are written", "x:123?/, x:1234/, x:12*/, y:{80,8?}/, y/, z:[!1]*/, w:*/", nil, map[string]string{
			"http://x:1235/": "x:123?/", "http://x:1234/": "x:123?/", "http://x:1299/": "x:12*/", "http://x:1/": "", "http://x/": "",
			"http://y/": "y/", "http://y:80/": "y/", "http://y:81/": "y:{80,8?}/", "https://y:80/": "y:{80,8?}/", "http://y:810/": "",
			"http://z:22/": "z:[!1]*/", "http://z:12/": "", "http://w:80/": "", "http://w:443/": "w:*/", "https://w:443/": ""}},
		{"braces in braces, classes as Fabio has them", "{n,{m,o*}}.com/, [^a]x.org/, [abc-e].org/, [!a-c]y.org/", nil, map[string]string{
			"http://m.com/": "{n,{m,o*}}.com/", "http://ox.com/": "{n,{m,o*}}.com/", "http://n.com/": "{n,{m,o*}}.com/", "http://mo.com/": "",
			"http://ax.org/": "[^a]x.org/", "http://bx.org/": "", "http://a.org/": "[abc-e].org/", "http://d.org/": "", "http://-.org/": "[abc-e].org/",
			"http://by.org/": "", "http://dy.org/": "[!a-c]y.org/"}},
		{"more specific hosts go first", "www.a.com/, *.a.com/, *.com/, */", nil, map[string]string{
			"http://www.a.com/": "www.a.com/", "http://b.a.com/": "*.a.com/", "http://b.com/": "*.com/", "http://b.org/": "*/"}},
		{"a host whose paths do not match falls through", "www.a.com/foo, *.a.com/", nil, map[string]string{
			"http://www.a.com/foo": "www.a.com/foo", "http://www.a.com/bar": "*.a.com/"}},
		{"any host goes before none", "a/x, /x/longer", nil, map[string]string{
			"http://a/x/longer": "a/x", "http://b/x/longer": "/x/longer"}},
		{"a star takes dots, and not nothing", "*.x.com/", nil, map[string]string{
			"http://a.b.x.com/": "*.x.com/", "http://x.com/": ""}},
		{"globs in hosts", "a?.com/, [bc].com/, [!a-d]x.com/, {p,q}.org/", nil, map[string]string{
			"http://ab.com/": "a?.com/", "http://b.com/": "[bc].com/", "http://ex.com/": "[!a-d]x.com/", "http://bx.com/": "",
			"http://q.org/": "{p,q}.org/", "http://r.org/": ""}},
		{"hosts are compared in lower case", "WWW.a.com/", nil, map[string]string{"http://www.A.com/": "www.a.com/"}},
		{"without globs, hosts are names and still in lower case", "*.a.com/, b.com/",
			func(o *tags.Options) { o.FabioPlainHosts = true }, map[string]string{"http://x.a.com/": "", "http://B.com/": "b.com/"}},
		{"prefix: plain strings, the longest first", "/foo, /foobar, /bar/", nil, map[string]string{
			"http://x/foobaz": "/foo", "http://x/foobarbaz": "/foobar", "http://x/bar": "", "http://x/Foo": ""}},
		{"iprefix: without regard to case, the longest first", "/Foo, /foo/Bar",
			func(o *tags.Options) { o.FabioMatcher = tags.MatchPrefixFold }, map[string]string{
				"http://x/fOO": "/Foo", "http://x/FOO/bar/x": "/foo/Bar"}},
		{"glob: the whole path, literal characters first", "/foo/*, /foo/bar, /",
			func(o *tags.Options) { o.FabioMatcher = tags.MatchGlob }, map[string]string{
				"http://x/foo/a/b": "/foo/*", "http://x/foo/bar": "/foo/bar", "http://x/": "/", "http://x/other": ""}},
		{"the decoded path is matched, the query is not", "/café, /q?", nil, map[string]string{
			"http://x/caf%C3%A9": "/café", "http://x/q?": "", "http://x/q": ""}},
		{"decoded once", "/%41, /A", nil, map[string]string{"http://x/%2541": "/%41", "http://x/%41": "/A"}},
		{"a redirect that leads in circles is passed over", "a/ redirect=301,https://a$path, /", nil, map[string]string{
			"http://a/x": "a/", "https://a/x": "/"}},
		{"the datacenter in sources", "$DC.x.com/, /${DC}/$HOST", nil, map[string]string{
			"http://dc1.x.com/": "dc1.x.com/", "http://y/dc1/": "/dc1/"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := newCatalog()
			c.options.Middlewares = anyMiddleware{}
			if row.change != nil {
				row.change(&c.options.Tags)
			}
			var all []string
			for source := range strings.SplitSeq(row.routes, ", ") {
				all = append(all, "urlprefix-"+source)
			}
			c.set("web", at("10.0.0.1", all...))
			table := c.build()
			if p := table.Problems(); len(p) > 0 {
				t.Fatal(p)
			}
			for url, want := range row.requests {
				answer, err := table.Ask(Question{Method: "GET", URL: url})
				if err != nil {
					t.Fatal(err)
				}
				got := ""
				if answer.Route != nil {
					got = answer.Route.Name
				}
				if got != want {
					t.Errorf("%s is for %q, want %q", url, got, want)
				}
			}
		})
	}
}

// anyMiddleware makes middlewares that do nothing.
type anyMiddleware struct{}

func (anyMiddleware) Middleware(string, spec.Middleware) (Middleware, error) {
	return anyMiddleware{}, nil
}

func (anyMiddleware) Serve(x *Exchange, next Handler) { next.Serve(x) }

// A split share is that of all its serving targets together, and shares that
// are too much or too little are scaled.
func TestSplitShares(t *testing.T) {
	endpoint := func(address string, serving bool, share float64, split int32) tags.Endpoint {
		return tags.Endpoint{Scheme: "http", Address: address, Weight: 1, Serving: serving, Share: share, Split: split}
	}
	var got []int
	for _, m := range members([]tags.Endpoint{
		endpoint("a", true, 0.5, 1), endpoint("b", true, 0.5, 1), endpoint("c", false, 0.5, 1), endpoint("d", true, 0, 0),
	}, nil) {
		got = append(got, m.Weight)
	}
	if len(got) != 3 || got[0] != 2500 || got[1] != 2500 || got[2] != 5000 {
		t.Errorf("weights %v", got)
	}
}

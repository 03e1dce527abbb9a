package match

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// compilers are the methods of Patterns by name.
func compilers(p *Patterns) map[string]func(string) (*Pattern, error) {
	return map[string]func(string) (*Pattern, error){
		"regexp": p.Regexp, "host": p.Host, "path": p.Path, "prefix": p.PathPrefix, "query": p.Query,
	}
}

func TestPattern_Find(t *testing.T) {
	tests := []struct{ kind, pattern, text, want string }{
		{"regexp", `[0-9]+`, "a12b", "12"},
		{"regexp", `^a$`, "ab", "-"},
		{"host", "{sub:[a-z]+}.Example.com", "www.example.com", "www.example.com"},
		{"host", "{sub:[A-Z]+}.example.com", "www.example.com", "www.example.com"},
		{"host", "{sub}.example.com", "a.b.example.com", "-"},
		{"host", "a.example.com", "aXexample.com", "-"},
		{"path", "/a/{id:[0-9]+}", "/a/12", "/a/12"},
		{"path", "/a/{id:[0-9]+}", "/a/12/z", "-"},
		{"path", "/a/{id}", "/a/x/y", "-"},
		{"path", "/{x:a|b}/c", "/b/c", "/b/c"},
		{"path", "/{x:a{2,3}}", "/aaa", "/aaa"},
		{"path", "/{x:(?i)a}b", "/Ab", "/Ab"},
		{"path", "/{x:(?i)a}b", "/AB", "-"},
		{"prefix", "/a/{id:[0-9]+}", "/a/12/z", "/a/12"},
		{"prefix", "/a/{id}", "/a/x/y", "/a/x"},
		{"prefix", "/a.b", "/axb", "-"},
		{"query", "{n:[0-9]+}", "12", "12"},
		{"query", "v{any}", "v", "v"},
	}
	for _, test := range tests {
		p, err := compilers(nil)[test.kind](test.pattern)
		if err != nil {
			t.Errorf("%s %s: %v", test.kind, test.pattern, err)
			continue
		}
		got, ok := p.Find(test.text)
		if !ok {
			got = "-"
		}
		if got != test.want || ok != p.Match(test.text) || p.String() != test.pattern {
			t.Errorf("%s %s on %q: found %q, matches %t; want %q", test.kind, p, test.text, got, p.Match(test.text), test.want)
		}
	}
}

func TestPatterns_Faults(t *testing.T) {
	tests := []struct {
		kind, pattern string
		offset        int
		reason        string
	}{
		{"regexp", "a(b", 0, "missing closing )"},
		{"regexp", "ab[", 2, "missing closing ]"},
		{"regexp", strings.Repeat("x", maxPattern+1), maxPattern, "longer than"},
		{"regexp", "(a{100}){10}{2}", 8, "invalid nested repetition"},
		{"regexp", "(((a{10}){10}){10}b{900}){1}(c{1000}){1}d{1000}e{1000}", 0, "too large"},
		{"host", "{a", 0, "not balanced"},
		{"host", "a}b", 1, "not balanced"},
		{"host", "x.{}", 2, "needs a name"},
		{"host", "x.{a:}", 2, "needs a name"},
		{"host", "{a}.{a}", 4, "twice"},
		{"host", "x.{a:[}", 5, "missing closing ]"},
		{"path", "a", 0, "slash"},
		{"path", "/{x:a)|(b}", 4, "unexpected )"},
		{"prefix", "{x}", 0, "slash"},
	}
	for _, test := range tests {
		_, err := compilers(nil)[test.kind](test.pattern)
		var fault *PatternError
		if !errors.As(err, &fault) {
			t.Errorf("%s %.40s: %v", test.kind, test.pattern, err)
			continue
		}
		if fault.Offset != test.offset || !strings.Contains(fault.Reason, test.reason) {
			t.Errorf("%s %.40s: %q at %d, want %q at %d", test.kind, test.pattern, fault.Reason, fault.Offset, test.reason, test.offset)
		}
	}
}

func TestPatterns_ShareWhatIsInUse(t *testing.T) {
	var patterns Patterns
	compile := func(text string) *Pattern {
		p, err := patterns.Regexp(text)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	kept := compile("kept")
	if compile("kept") != kept {
		t.Error("equal patterns were compiled twice")
	}
	if other, _ := patterns.Path("/kept"); other == kept {
		t.Error("a template is not a regular expression")
	}
	// Nobody keeps these, so that they do not pile up.
	for i := range 1000 {
		compile(strings.Repeat("x", i+1))
		if i%100 == 0 {
			runtime.GC()
		}
	}
	if n := len(patterns.known); n > 400 {
		t.Errorf("%d patterns are remembered, one of them in use", n)
	}
	if compile("kept") != kept {
		t.Error("a pattern in use was forgotten")
	}
	runtime.KeepAlive(kept)
}

// Where a rule is looked for follows from what is fixed in its patterns.
func TestFixedParts(t *testing.T) {
	tests := []struct {
		pattern, prefix, suffix string
		whole                   bool
	}{
		{`^/api/v[0-9]`, "/api/v", "", false},
		{`^/a(/b)c`, "/a/bc", "", false},
		{`/api`, "", "", false},
		{`^a\.x$`, "a.x", "a.x", true},
		{`^[a-z]+\.example\.com$`, "", ".example.com", false},
		{`\.com$`, "", ".com", false},
		{`^/a|^/b`, "", "", false},
		{`(?i)^/a`, "", "", false},
		{`(?m)^/a$`, "", "", false},
		{`^/a?b`, "/", "", false},
		{``, "", "", false},
		{"^\ufffd", "", "", false},
	}
	for _, test := range tests {
		p, err := (*Patterns)(nil).Regexp(test.pattern)
		if err != nil {
			t.Fatal(err)
		}
		if want := (fixed{test.prefix, test.suffix, test.whole}); p.fixed != want {
			t.Errorf("%s: got %+v, want %+v", test.pattern, p.fixed, want)
		}
	}
}

// FuzzPatterns sees that what is fixed in a pattern is in all that matches.
func FuzzPatterns(f *testing.F) {
	for _, seed := range []struct{ kind, pattern, text string }{
		{"regexp", `^/a(b|c)d$`, "/abd"}, {"host", "{s:[a-z]+}.x.y", "a.x.y"}, {"path", "/{a}/{b:c{2}}", "/x/cc"},
		{"prefix", "/a/{x}", "/a/b/c"}, {"query", "{x}", "y"}, {"regexp", `^\x{fffd}`, "\xff"},
	} {
		f.Add(seed.kind, seed.pattern, seed.text)
	}
	f.Fuzz(func(t *testing.T, kind, pattern, text string) {
		compile := compilers(nil)[kind]
		if compile == nil {
			return
		}
		p, err := compile(pattern)
		if err != nil {
			var fault *PatternError
			if !errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > len(pattern) {
				t.Fatalf("%s %q: %#v", kind, pattern, err)
			}
			return
		}
		if kind == "host" {
			text = strings.ToLower(text)
		}
		if !p.Match(text) {
			return
		}
		if !strings.HasPrefix(text, p.fixed.prefix) || !strings.HasSuffix(text, p.fixed.suffix) || p.fixed.whole && text != p.fixed.prefix {
			t.Errorf("%s %q matches %q, which goes against %+v", kind, pattern, text, p.fixed)
		}
	})
}

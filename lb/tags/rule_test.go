package tags

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/match"
)

func TestParseRule(t *testing.T) {
	tests := []struct{ rule, want string }{
		{"Host(`a`)", "Host(`a`)"},
		{" Host( `A.com.` ) ", "Host(`a.com`)"},
		{"Host(`a`) && PathPrefix(`/b`)", "Host(`a`) && PathPrefix(`/b`)"},
		{"Host(`a`)&&PathPrefix(`/b`)||Path(`/c`)", "(Host(`a`) && PathPrefix(`/b`)) || Path(`/c`)"},
		{"Host(`a`) && (PathPrefix(`/b`) || Path(`/c`))", "Host(`a`) && (PathPrefix(`/b`) || Path(`/c`))"},
		{"!Host(`a`) && !(Path(`/b`) || !Path(`/c`))", "!Host(`a`) && !(Path(`/b`) || !Path(`/c`))"},
		{"!!Host(`a`)", "!!Host(`a`)"},
		{"((Host(`a`)))", "Host(`a`)"},
		{"host(`a`) || HOST(`b`) || PATHPREFIX(`/c`) || pathprefix(`/d`) || Pathprefix(`/e`)",
			"Host(`a`) || Host(`b`) || PathPrefix(`/c`) || PathPrefix(`/d`) || PathPrefix(`/e`)"},
		{`Path("/a\"b")`, "Path(`/a\"b`)"},
		{"Host(`*.a`) || Host(`*`)", "Host(`*.a`) || Host(`*`)"},
		{"Method(`get`)", "Method(`GET`)"},
		{"Host(`a`,) && Header(`X-A`, `b` , )", "Host(`a`) && Header(`X-A`, `b`)"},
		{"Host(`a`)\n\t&& Path(`/`)", "Host(`a`) && Path(`/`)"},
		{"HostRegexp(`^[a-z]+\\.a$`) || PathRegexp(`\\.(png|jpg)$`)", "HostRegexp(`^[a-z]+\\.a$`) || PathRegexp(`\\.(png|jpg)$`)"},
		{"Header(`X-A`, `b`) && headerregexp(`x`,`^b`)", "Header(`X-A`, `b`) && HeaderRegexp(`x`, `^b`)"},
		{"Query(`a`) && Query(`a`, `b`) && QueryRegexp(`a`, `^b`)", "Query(`a`) && Query(`a`, `b`) && QueryRegexp(`a`, `^b`)"},
		{"ClientIP(`10.1.2.3/8`) || CLIENTIP(`::1`)", "ClientIP(`10.0.0.0/8`) || ClientIP(`::1/128`)"},
	}
	for _, test := range tests {
		e, err := parseRule(test.rule, syntaxV3, nil)
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
		} else if e.String() != test.want {
			t.Errorf("%s: got %s, want %s", test.rule, e, test.want)
		}
	}
}

func TestParseRule_Faults(t *testing.T) {
	tests := []struct {
		rule   string
		offset int
		reason string // a part of it
	}{
		{"", 0, "empty"},
		{"  ", 0, "empty"},
		{"Host(`a`", 8, "found the end"},
		{"Host(`a", 5, "never closed"},
		{"Host(`a`) && Host(`b", 18, "never closed"},
		{"Host(\"a", 5, "never closed"},
		{"Host('a')", 5, "single quotes"},
		{"Host(a)", 5, "found 'a'"},
		{"Host()", 0, "one argument, not 0"},
		{"Host(`a`,`b`)", 0, "one argument, not 2"},
		{"Host(``)", 5, "empty"},
		{"Host(`bücher.de`)", 5, "punycode"},
		{"Host(,)", 5, "found ','"},
		{"Host(`a`,,)", 9, "found ','"},
		{"Path(`a`)", 5, "slash"},
		{"PathPrefix(`a`)", 11, "slash"},
		{"Host(`a`) Host(`b`)", 10, "found 'H'"},
		{"Host(`a`) & Host(`b`)", 10, "found '&'"},
		{"Host(`a`) &&", 12, "found the end"},
		{"|| Host(`a`)", 0, "found '|'"},
		{"(Host(`a`)", 10, "closes the one at 0"},
		{"Host(`a`))", 9, "found ')'"},
		{"!", 1, "found the end"},
		{"Host", 4, "( behind Host"},
		{"Hots(`a`)", 0, "unknown matcher Hots"},
		{"pathPrefix(`/a`)", 0, "unknown matcher pathPrefix"},
		{"Host(`a`) && Headers(`a`, `b`)", 13, "unknown matcher Headers"},
		{"Host(`a`) && Header(`a`)", 13, "Header takes two arguments, not 1"},
		{"Query(`a`,`b`,`c`)", 0, "Query takes one or two arguments, not 3"},
		{"HostRegexp(`a(b`)", 11, "missing closing )"},
		{"HeaderRegexp(`A`, `ab[`)", 21, "missing closing ]"},
		{"ClientIP(`10.0.0.0/33`)", 9, "neither an address nor a CIDR"},
		{"QueryRegexp(`a`, `" + strings.Repeat("a", 3000) + "`)", 17 + 1 + 2048, "longer than 2048 bytes"},
		{"Host:a", 4, "( behind Host"},
		{strings.Repeat("(", 1000) + "Host(`a`)" + strings.Repeat(")", 1000), 100, "deeper than 100"},
	}
	for _, test := range tests {
		_, err := parseRule(test.rule, syntaxV3, nil)
		if fault, ok := errors.AsType[*ruleError](err); !ok {
			t.Errorf("%s: accepted", test.rule)
		} else if fault.offset != test.offset || !strings.Contains(fault.reason, test.reason) {
			t.Errorf("%s: at %d: %s, want at %d: %s", test.rule, fault.offset, fault.reason, test.offset, test.reason)
		}
	}
}

func TestParseRule_Hints(t *testing.T) {
	for rule, hint := range map[string]string{
		"Hots(`a`)":                  "did you mean Host?",
		"pathPrefix(`/a`)":           "the name is spelled PathPrefix",
		"Headers(`a`, `b`)":          "this is the syntax of Traefik v2: set rulesyntax=v2 beside the rule",
		"Somewhere(`a`, `b`)":        "",
		"Host(`a`) || Mehtod(`GET`)": "did you mean Method?",
	} {
		_, err := parseRule(rule, syntaxV3, nil)
		if fault, ok := errors.AsType[*ruleError](err); !ok || fault.hint != hint {
			t.Errorf("%s: %+v, want the hint %q", rule, fault, hint)
		}
	}
}

func TestParseRule_V2(t *testing.T) {
	tests := []struct {
		rule, host, target string
		want               bool
	}{
		{"Host(`a`,`b`)", "b", "/", true},
		{"Host(`a`,`b`)", "c", "/", false},
		{"HostHeader(`a`)", "a", "/", true},
		{"HostRegexp(`{sub:[a-z]+}.d`, `x`)", "AB.d", "/", true},
		{"HostRegexp(`{sub:[a-z]+}.d`)", "a1.d", "/", false},
		{"HostRegexp(`{sub:[a-z]+}.d`)", "a.d.e", "/", false},
		{"Path(`/a/{id:[0-9]+}`,`/b`)", "h", "/a/12", true},
		{"Path(`/a/{id:[0-9]+}`,`/b`)", "h", "/a/12/c", false},
		{"Path(`/a/{id:[0-9]+}`,`/b`)", "h", "/b", true},
		{"Path(`/a`)", "h", "/a/", false},
		{"PathPrefix(`/a/{x}`)", "h", "/a/b/c", true},
		{"PathPrefix(`/a/{x}`)", "h", "/a/", false},
		{"Method(`GET`,`post`)", "h", "/", true},
		{"Headers(`X-A`,`b`)", "h", "/", true},
		{"HeadersRegexp(`x-a`,`^b$`)", "h", "/", true},
		{"Query(`k=v`,`n={x:[0-9]+}`)", "h", "/?k=v&n=12", true},
		{"Query(`k=v`,`n={x:[0-9]+}`)", "h", "/?k=v&n=x", false},
		{"Query(`k=`)", "h", "/?k=anything", true},
		{"ClientIP(`10.0.0.0/8`,`192.0.2.1`)", "h", "/", true},
	}
	for _, test := range tests {
		e, err := parseRule(test.rule, syntaxV2, nil)
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
			continue
		}
		if got := e.Match(request(test.host, test.target)); got != test.want {
			t.Errorf("%s of %s%s: %v", test.rule, test.host, test.target, got)
		}
	}
	for rule, want := range map[string]string{
		"Host(`*.a`)":           "no wildcards",
		"Query(`k`)":            "not of the form key=value",
		"Header(`a`,`b`)":       "unknown matcher Header",
		"HostRegexp(`{a`)":      "not balanced",
		"PathPrefix(`/{a:(}`)":  "missing closing )",
		"Path(`a`)":             "slash",
		"PathRegexp(`a`)":       "unknown matcher PathRegexp",
		"Query(`k={a:[}`,`l=`)": "missing closing ]",
	} {
		if _, err := parseRule(rule, syntaxV2, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", rule, err, want)
		}
	}
}

// request is a GET by 192.0.2.1 with the field X-A: b.
func request(host, target string) *match.Request {
	path, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query)
	return &match.Request{
		Host: strings.ToLower(host), Path: path, Method: "GET", Remote: netip.MustParseAddr("192.0.2.1"),
		Fields: testFields{"X-A": "b", "": values.Encode()},
	}
}

// testFields are header fields by name, and a query under the empty name.
type testFields map[string]string

func (f testFields) Header(name string, i int) (string, bool) {
	value, ok := f[http.CanonicalHeaderKey(name)]
	return value, ok && i == 0
}

func (f testFields) Query(key string, i int) (string, bool) {
	values, _ := url.ParseQuery(f[""])
	if i >= len(values[key]) {
		return "", false
	}
	return values[key][i], true
}

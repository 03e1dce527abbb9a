package tags

import (
	"errors"
	"strings"
	"testing"
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
		{"Host(`a`)\n\t&& Path(`/`)", "Host(`a`) && Path(`/`)"},
	}
	for _, test := range tests {
		e, err := parseRule(test.rule)
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
		{"Host(`a`) && Header(`a`, `b`)", 13, "not supported yet"},
		{"Host:a", 4, "( behind Host"},
		{strings.Repeat("(", 1000) + "Host(`a`)" + strings.Repeat(")", 1000), 100, "deeper than 100"},
	}
	for _, test := range tests {
		_, err := parseRule(test.rule)
		if fault, ok := errors.AsType[*ruleError](err); !ok {
			t.Errorf("%s: accepted", test.rule)
		} else if fault.offset != test.offset || !strings.Contains(fault.reason, test.reason) {
			t.Errorf("%s: at %d: %s, want at %d: %s", test.rule, fault.offset, fault.reason, test.offset, test.reason)
		}
	}
}

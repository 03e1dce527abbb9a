package tags

import (
	"errors"
	"strings"
	"testing"
	"text/template"
)

func TestConstraints(t *testing.T) {
	tests := []struct {
		expr  string   // of v2/v3
		words []string // of v1
		tags  []string
		want  bool
	}{
		{expr: "Tag(`a`)", tags: []string{"a", "b"}, want: true},
		{expr: "Tag(`a`)", tags: []string{"ab"}},
		{expr: "Tag(`traefik.tags=blue`)", tags: []string{"traefik.tags=blue"}, want: true},
		{expr: "TagRegex(`^v[0-9]`)", tags: []string{"x", "v2"}, want: true},
		{expr: "TagRegex(`2`)", tags: []string{"v2"}, want: true},
		{expr: "!Tag(\"a\") && (Tag(`b`) || Tag(`c`))", tags: []string{"c"}, want: true},
		{expr: "!Tag(`a`)", tags: []string{"a"}},
		{expr: "!Tag(`a`)", want: true},

		{words: []string{"tag==service"}, tags: []string{"traefik.tags=service"}, want: true},
		{words: []string{"tag==service"}, tags: []string{"traefik.Tags=a, service"}, want: true},
		{words: []string{"tag==service"}, tags: []string{"service", "traefik.tag=service"}},
		{words: []string{"tag==serv*"}, tags: []string{"traefik.tags=service"}, want: true},
		{words: []string{"tag==serv.*"}, tags: []string{"traefik.tags=service"}},
		{words: []string{"tag!=us-*"}, tags: []string{"traefik.tags=us-east"}},
		{words: []string{"tag!=us-*"}, tags: []string{"traefik.tags=eu"}, want: true},
		{words: []string{"tag!=us-*"}, want: true},
		{words: []string{"tag==a", "tag==b"}, tags: []string{"traefik.tags=a"}},
		{words: []string{"tag==a", "tag==b"}, tags: []string{"traefik.tags=a", "traefik.tags=b"}, want: true},
	}
	for _, test := range tests {
		o := DefaultOptions()
		var err error
		rule := "traefik.http.routers.r.rule=Host(`h`)"
		if test.expr != "" {
			o.Constraint, err = ParseConstraint(test.expr)
		} else {
			rule = "traefik.frontend.rule=Host:h"
			o.Constraint1, err = ParseConstraints1(test.words)
		}
		if err != nil {
			t.Fatal(err)
		}
		d := Parse(o, "web", []Instance{{ID: "i", Address: "a", Port: 1, Tags: append(test.tags, rule), Serving: true}})
		if got := len(d.Routes) == 1; got != test.want || len(d.Problems) > 0 {
			t.Errorf("%s%v admits %q: %v, problems %v", test.expr, test.words, test.tags, got, d.Problems)
		}
	}
}

func TestMalformedConstraints(t *testing.T) {
	for text, want := range map[string]string{
		"":              "the rule is empty",
		"Tag(`a`":       "found the end",
		"Tag()":         "Tag",
		"Tags(`a`)":     "constraints have Tag and TagRegex",
		"TagRegex(`(`)": "missing closing",
		"Host(`a`)":     "unknown matcher Host",
		"a==b":          "found",
	} {
		_, err := ParseConstraint(text)
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		whole := err.Error()
		if fault, ok := errors.AsType[*ruleError](err); ok {
			whole += fault.hint
		}
		if !strings.Contains(whole, want) {
			t.Errorf("%q: %s, want it to say %q", text, whole, want)
		}
	}
	for _, text := range []string{"", "a", "tag=a", "name==a"} {
		if _, err := ParseConstraints1([]string{text}); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestCanariesAndMesh(t *testing.T) {
	o := DefaultOptions()
	o.DefaultRule = "Host(`{{ .Name | shout }}`) || Host(`{{ normalize .Name }}`)"
	o.RuleFunctions = template.FuncMap{"shout": func(s string) string { return s + "." }}
	d := Parse(o, "web_1", []Instance{
		{ID: "a", Address: "a", Port: 1, Tags: []string{"traefik.enable=true"}, Serving: true},
		{ID: "b", Address: "b", Port: 1, Tags: []string{"traefik.enable=true", "traefik.consulcatalog.canary=true"}, Serving: true},
		{ID: "c", Address: "c", Port: 1, Tags: []string{"traefik.enable=true", "traefik.consulcatalog.connect=true"}, Serving: true},
	})
	if len(d.Routes) != 2 || d.Routes[0].Name != "web_1" || !strings.HasPrefix(d.Routes[1].Name, "web_1-") ||
		d.Routes[1].Pool != d.Routes[1].Name || d.Routes[0].Rule != "Host(`web_1.`) || Host(`web-1`)" {
		t.Errorf("routes %+v", d.Routes)
	}
	for _, p := range d.Pools {
		if len(p.Endpoints) != 1 {
			t.Errorf("pool %s has %v", p.Name, p.Endpoints)
		}
	}
	if len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Reason, "service mesh") || d.Problems[0].Instance != "c" {
		t.Errorf("problems %v", d.Problems)
	}
}

package render

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
)

func TestSyntaxErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a\nb {{ nonsense }}\n", `(dynamic):2:6: function "nonsense" not defined: b {{ nonsense }}`},
		{"{{ if }}x{{ end }}", `(dynamic):1:1: missing value for if: {{ if }}x{{ end }}`},
		{"é {{ range $x := }}", `(dynamic):1:`},
		{"a\n{{ key \"x\" ", `(dynamic):2:1: unclosed action`},
		{"{{ range services }}\n", `(dynamic):`},
		{"{{ end }}", `(dynamic):1:1: unexpected {{end}}`},
		{"{{ key \"a }}", `(dynamic):1:1: unterminated quoted string`},
		{"{{ " + strings.Repeat("x", 200) + " }}", "…"},
	}
	for _, test := range tests {
		_, err := Parse(text(test.text, ""))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q:\n got %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestExecutionErrors(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a\n {{ divide 0 1 }}", "(dynamic):2:4: executing"},
		{`{{ index (service "x") 0 }}`, "index out of range"},
		{`{{ service "x@" }}`, "want [tag.]name?query@dc~near|filter"},
		{`{{ $half := sprig_repeat 40000000 "x" }}{{ $half }}{{ $half }}`, "larger than 64 MiB"},
		{`{{ define "x" }}{{ template "x" }}{{ end }}{{ template "x" }}`, "exceeded maximum template depth"},
	}
	for _, test := range tests {
		p, err := Parse(text(test.text, ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Execute(funcs.Inputs{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %q", test.text, err, test.want)
		}
	}
}

func TestExecutionIsLimitedInTime(t *testing.T) {
	late := &limitedBuffer{deadline: time.Now().Add(-time.Minute), waited: func() time.Duration { return time.Second }}
	if _, err := late.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), "longer than 10s") {
		t.Errorf("error %v", err)
	}
}

func TestLanguage(t *testing.T) {
	custom := text(`[[ env "X" ]]{{x}}`, "")
	custom.LeftDelimiter, custom.RightDelimiter = "[[", "]]"
	strict := text(`{{ (parseJSON "{}").x }}`, "")
	strict.ErrorOnMissingKey = true
	tests := []struct {
		template Template
		want     string
		fails    bool
	}{
		{template: text(`{{ . }} {{ .X.Y }} {{ (parseJSON "{}").x }}`, ""), want: "<no value> <no value> <no value>"},
		{template: custom, want: "env-X{{x}}"},
		{template: strict, fails: true},
		{template: text("", ""), want: ""},
		{template: text(`{{ define "d" }}d{{ . }}{{ end }}{{ template "d" 1 }}`, ""), want: "d1"},
	}
	for _, test := range tests {
		p, err := Parse(test.template)
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Execute(funcs.Inputs{Env: func(name string) (string, bool) { return "env-" + name, true }})
		if (err != nil) != test.fails || string(e.Text) != test.want || err == nil && e.Text == nil {
			t.Errorf("%q gave %q, %v; want %q", test.template.Contents, e.Text, err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"{{ nonsense }}", "a\n{{ if }}", "{{", "{{ end }}\n", "{{ \"a }}", "{{/* x", "\xff{{ é }}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, contents string) {
		_, err := Parse(text(contents, ""))
		if err == nil {
			return
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Fatalf("%q: %v does not tell its place", contents, err)
		}
		lines := strings.Split(contents, "\n")
		if syntax.Line < 1 || syntax.Column < 1 || syntax.Line > len(lines)+1 {
			t.Errorf("%q: impossible place %d:%d", contents, syntax.Line, syntax.Column)
		}
	})
}

package render

import (
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
)

func TestExecuteTemplate(t *testing.T) {
	tests := []struct{ text, want, err string }{
		{text: `{{define "d"}}<{{.}}>{{end}}{{executeTemplate "d" 1 | toUpper}}{{executeTemplate "d"}}`, want: "<1><<no value>>"},
		{text: `{{define "d"}}{{scratch.Set "k" 1}}{{end}}{{executeTemplate "d"}}{{scratch.Get "k"}}`, want: "1"},
		{text: `{{executeTemplate "nope"}}`, err: `no template "nope" is defined`},
		{text: `{{define "d"}}{{end}}{{executeTemplate "d" 1 2}}`, err: "3 arguments given"},
		{text: `{{define "d"}}{{divide 0 1}}{{end}}{{executeTemplate "d"}}`, err: "division by zero"},
		{text: `{{define "d"}}{{executeTemplate "d"}}{{end}}{{executeTemplate "d"}}`, err: "without end"},
		{text: `{{define "d"}}{{$half := sprig_repeat 40000000 "x"}}{{$half}}{{$half}}{{end}}{{executeTemplate "d" | len}}`, err: "larger than 64 MiB"},
	}
	for _, test := range tests {
		p, err := Parse(text(test.text, ""))
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Execute(funcs.Inputs{})
		if test.err == "" && (err != nil || string(e.Text) != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%s gave %q, %v", test.text, e.Text, err)
		}
	}
}

func TestNestedExecutionIsLimitedInTime(t *testing.T) {
	p, err := Parse(text(`{{define "d"}}x{{end}}`, ""))
	if err != nil {
		t.Fatal(err)
	}
	out := &limitedBuffer{deadline: time.Now().Add(-time.Second), waited: func() time.Duration { return 0 }}
	n := &nesting{defined: p.parsed, out: out}
	if _, err := n.executeTemplate("d"); err == nil || !strings.Contains(err.Error(), "longer than 10s") {
		t.Errorf("error %v", err)
	}
}

func TestDenylist(t *testing.T) {
	for contents, fails := range map[string]bool{
		`{{key "a"}}`:     true,
		`{{toUpper "a"}}`: true,
		`{{define "d"}}{{end}}{{executeTemplate "d"}}`: true,
		`{{if false}}{{key "a"}}{{end}}`:               false,
		`{{toLower (print "A")}}`:                      false,
	} {
		denied := text(contents, "")
		denied.FunctionDenylist = []string{"key*", "toUp*", "executeTemplate"}
		p, err := Parse(denied)
		if err != nil {
			t.Fatal(err)
		}
		e, err := p.Execute(funcs.Inputs{})
		if (err != nil) != fails || len(e.Used) > 0 {
			t.Errorf("%s: error %v, asks for %v", contents, err, e.Used)
		}
	}
}

package funcs

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

func TestNomadFunctions(t *testing.T) {
	about := watch.NomadVariableInfo{Namespace: "default", Path: "app/a", CreateIndex: 1, ModifyIndex: 2, CreateTime: 3, ModifyTime: 4}
	web := []watch.NomadInstance{
		{ID: "i2", Name: "web", Address: "10.0.0.2", Port: 81, Tags: []string{"b", "a"}},
		{ID: "i1", Name: "web", Address: "10.0.0.1", Port: 80, Tags: []string{"v1.2"}, JobID: "j", AllocID: "al", Node: "n", Datacenter: "d"},
	}
	answers := map[watch.Query]any{
		watch.NomadServices{}:                                          []watch.ServiceTags{{Name: "api"}, {Name: "web", Tags: []string{"b", "A"}}},
		watch.NomadServices{Region: "eu"}:                              []watch.ServiceTags{{Name: "far"}},
		watch.NomadServices{Region: "none"}:                            []watch.ServiceTags{},
		watch.NomadService{Name: "web"}:                                web,
		watch.NomadService{Name: "web", Region: "eu"}:                  web[:1],
		watch.NomadService{Name: "web", Count: 1, Key: "k"}:            web[1:],
		watch.NomadVariables{}:                                         []watch.NomadVariableInfo{about},
		watch.NomadVariables{Prefix: "none"}:                           []watch.NomadVariableInfo{},
		watch.NomadVariables{Prefix: "app", Namespace: "*"}:            []watch.NomadVariableInfo{about},
		watch.NomadVariable{Path: "app/a"}:                             &watch.NomadVariableItems{NomadVariableInfo: about, Items: map[string]string{"b": "2", "a": "1"}},
		watch.NomadVariable{Path: "none"}:                              (*watch.NomadVariableItems)(nil),
		watch.NomadVariable{Path: "x", Namespace: "dev", Region: "eu"}: &watch.NomadVariableItems{Items: map[string]string{"k": "far"}},
		watch.NomadVariable{Path: "empty"}:                             &watch.NomadVariableItems{},
	}
	tests := []struct{ text, want, missing, err string }{
		{text: `{{range nomadServices}}{{.Name}} {{.Tags}};{{end}}`, want: "api [];web [A b];"},
		{text: `{{range nomadServices "@eu"}}{{.Name}}{{end}}`, want: "far"},
		{text: `{{nomadServices "x"}}`, err: "nothing but a region"},
		{text: `{{range nomadService "web"}}{{.ID}} {{.Name}} {{.Node}} {{.Address}}:{{.Port}} {{.Datacenter}} {{.Tags}} {{.JobID}} {{.AllocID}};{{end}}`,
			want: "i2 web  10.0.0.2:81  [a b]  ;i1 web n 10.0.0.1:80 d [v1.2] j al;"},
		{text: `{{range nomadService "v1.2.web"}}{{.ID}}{{end}}`, want: "i1"},
		{text: `{{range nomadService "web@eu"}}{{.ID}}{{end}}`, want: "i2"},
		{text: `{{range nomadService 1 "k" "web"}}{{.ID}}{{end}}`, want: "i1"},
		{text: `{{nomadService -1 "k" "web"}}`, err: "must not be negative"},
		{text: `{{nomadService 1 "" "web"}}`, err: "nor the key empty"},
		{text: `{{nomadService "k" "web"}}`, err: "not a name, nor a count"},
		{text: `{{nomadService "1" "k" "web"}}`, err: "not a name, nor a count"},
		{text: `{{nomadService "we b"}}`, err: "[tag.]name@region"},
		{text: `{{nomadService "none.web" | toJSON}} {{nomadServices "@none" | toJSON}}`, want: "[] []"},
		{text: `{{nomadService "other"}}`, want: "[]", missing: "nomad service other"},
		{text: `{{range $port, $list := byPort (nomadService "web")}}{{$port}}={{len $list}} {{end}}`, want: "80=1 81=1 "},
		{text: `{{range $tag, $list := byTag (nomadService "web")}}{{$tag}}={{len $list}} {{end}}`, want: "a=1 b=1 v1.2=1 "},
		{text: `{{range $tag, $list := byTag nomadServices}}{{$tag}}={{len $list}} {{end}}`, want: "A=1 b=1 "},
		{text: `{{range nomadVarList}}{{.}} {{.Namespace}} {{.CreateIndex}} {{.ModifyIndex}} {{.ModifyTime.Time.UnixNano}}{{end}}`, want: "app/a default 1 2 4"},
		{text: `{{range nomadVarList "//"}}{{.Path}}{{end}}`, want: "app/a"},
		{text: `{{range nomadVarList "app@*"}}{{.Path}}{{end}}`, want: "app/a"},
		{text: `{{nomadVarList "none"}}`, want: "[]"},
		{text: `{{nomadVarListSafe "none"}}`, want: "[]", missing: "nomad variables none"},
		{text: `{{nomadVarList "a" "b"}}`, err: "2 arguments given"},
		{text: `{{nomadVarList "a@"}}`, err: "is not a namespace"},
		{text: `{{with nomadVar "/app/a"}}{{.a}} {{.b.Key}} {{.b.Value}} {{.a.Parent.Path}} {{.a.Metadata}}{{end}}`, want: "1 b 2 app/a app/a"},
		{text: `{{with nomadVar "app/a"}}{{.Keys}} {{.Values}} {{range .Tuples}}{{.K}}={{.V}} {{end}}{{.Metadata.Path}} {{.Parent.Items.a}} {{.ItemsMap}}{{end}}`,
			want: "[a b] [1 2] a=1 b=2 app/a 1 map[a:1 b:2]"},
		{text: `{{with nomadVar "empty"}}there {{end}}{{(nomadVar "empty").Keys}} {{(nomadVar "empty").Metadata}} {{(nomadVar "empty").ItemsMap}}`, want: "there [] <nil> map[]"},
		{text: `{{toJSON (nomadVar "app/a")}}`, want: `{"a":"1","b":"2"}`},
		{text: `{{with nomadVar "x@dev.eu"}}{{.k}}{{end}}`, want: "far"},
		{text: `{{with nomadVar "none"}}x{{end}}`, missing: "nomad variable none"},
		{text: `{{nomadVarExists "none"}}{{nomadVarExists "app/a"}}{{nomadVarExists ""}}`, want: "falsetruefalse"},
		{text: `{{with nomadVar "new"}}x{{end}}{{nomadVar ""}}`, want: "<nil>", missing: "nomad variable new"},
		{text: `{{nomadVar "a@*"}}`, err: "is not a namespace"},
		{text: `{{nomadVar "a@n."}}`, err: "is not a region"},
		{text: `{{nomadVar "@n"}}`, err: "the path is empty"},
	}
	for _, test := range tests {
		got, b, err := run(test.text, answers)
		if !matches(err, test.err) || err == nil && got != test.want || describe(b.Missing()) != test.missing {
			t.Errorf("%s: got %q, missing %q, error %v", test.text, got, describe(b.Missing()), err)
		}
	}
}

func TestRedact(t *testing.T) {
	answers := map[watch.Query]any{watch.NomadVariable{Path: "p"}: &watch.NomadVariableItems{Items: map[string]string{"a": "hush", "b": "hush-hush", "c": ""}}}
	_, b, err := run(`{{with nomadVar "p"}}{{parseInt .b.Value}}{{end}}`, answers)
	if err == nil || !strings.Contains(err.Error(), "hush-hush") {
		t.Fatalf("the error shows nothing that could be redacted: %v", err)
	}
	if text := b.Redact(err).Error(); strings.Contains(text, "hush") || !strings.Contains(text, "[redacted]") {
		t.Errorf("got %s", text)
	}
	b.conceal("1")
	if text := b.Redact(errors.New("t.tmpl:1:1: executing 1")).Error(); text != "t.tmpl:1:1: executing [redacted]" {
		t.Errorf("the place is lost: %s", text)
	}
	if b.Redact(nil) != nil {
		t.Error("no error became one")
	}
	plain := errors.New("plain")
	if got := (&Binding{}).Redact(plain); !errors.Is(got, plain) {
		t.Errorf("got %v", got)
	}
}

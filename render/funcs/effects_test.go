package funcs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

// matches reports whether err is none, or one that tells what is wanted.
func matches(err error, want string) bool {
	if want == "" || err == nil {
		return want == "" && err == nil
	}
	return strings.Contains(err.Error(), want)
}

// runWith executes text with inputs of the test's own.
func runWith(text string, inputs Inputs) (string, *Binding, error) {
	b := Bind(inputs)
	t := template.Must(template.New("").Funcs(Helpers()).Funcs(b.Map()).Parse(text))
	var out strings.Builder
	err := t.Execute(&out, nil)
	return out.String(), b, err
}

func TestPlugin(t *testing.T) {
	var calls []string
	inputs := Inputs{
		Snapshot: snapshot(map[watch.Query]any{motd: &watch.Pair{Value: "hi"}}),
		Run: func(program string, args []string) (string, error) {
			calls = append(calls, program+" "+strings.Join(args, ","))
			if program == "bad" {
				return "", errors.New("it broke")
			}
			return " out\n", nil
		},
	}
	tests := []struct{ text, want, call, err string }{
		{text: `{{plugin "p" " a " "" "b c" (key "app/motd")}}`, want: "out", call: "p a,b c,hi"},
		{text: `{{plugin ""}}`},
		{text: `{{plugin "bad"}}`, call: "bad ", err: "plugin: it broke"},
		{text: `{{plugin "p" (key "absent")}}`}, // what to tell it is not known yet
	}
	for _, test := range tests {
		calls = nil
		got, _, err := runWith(test.text, inputs)
		if !matches(err, test.err) || got != test.want || strings.Join(calls, ";") != test.call {
			t.Errorf("%s: got %q, calls %q, error %v", test.text, got, calls, err)
		}
	}
	if _, _, err := runWith(`{{plugin "p"}}`, Inputs{}); !matches(err, "programs may not be run here") {
		t.Errorf("without a runner: %v", err)
	}
}

func TestWriteToFile(t *testing.T) {
	text := `{{"x" | writeToFile "a" "u" "g" "0640"}}{{"y" | writeToFile "b" "" "" "600" "append,newline"}}`
	got, b, err := runWith(text, Inputs{})
	want := []Write{
		{Path: "a", User: "u", Group: "g", Perms: 0o640, Text: "x"},
		{Path: "b", Perms: 0o600, Append: true, Text: "y\n"},
	}
	if err != nil || got != "" || !slices.Equal(b.Writes(), want) {
		t.Errorf("%q, %v: %s", got, err, cmp.Diff(want, b.Writes()))
	}
	for call, want := range map[string]string{
		`writeToFile "a" "" "" "0999" "x"`:            "not an octal number",
		`writeToFile "a" "" "" "0600"`:                "4 arguments given",
		`writeToFile "a" "" "" "0600" "" "text" "no"`: "7 arguments given",
	} {
		if _, b, err := runWith("{{"+call+"}}", Inputs{}); !matches(err, want) || len(b.Writes()) > 0 {
			t.Errorf("%s: %v, writes %v", call, err, b.Writes())
		}
	}
}

func TestDumps(t *testing.T) {
	var out bytes.Buffer
	got, _, err := runWith(`{{spew_dump "a"}}{{spew_printf "%v" 5}}`, Inputs{Debug: &out})
	if want := "(string) (len=1) \"a\"\n5"; err != nil || got != "" || out.String() != want {
		t.Errorf("got %q, printed %q, error %v; want printed %q", got, out.String(), err, want)
	}
	if _, _, err := runWith(`{{spew_dump "a"}}`, Inputs{}); err != nil {
		t.Error(err)
	}
}

func TestSandbox(t *testing.T) {
	dir := t.TempDir()
	box := filepath.Join(dir, "box")
	for _, path := range []string{"box/in", "out"} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	err := errors.Join(
		os.Symlink(filepath.Join(dir, "out"), filepath.Join(box, "to-out")),
		os.Symlink("in", filepath.Join(box, "to-in")),
		os.Symlink(box, filepath.Join(dir, "to-box")),
		os.Mkdir(box+"-not", 0o755),
		os.WriteFile(box+"-not/x", nil, 0o600),
	)
	if err != nil {
		t.Fatal(err)
	}
	for path, inside := range map[string]bool{
		"box/in": true, "box/to-in": true, "to-box/in": true, "box/../box/in": true,
		"out": false, "box/to-out": false, "box/../out": false, "box-not/x": false, "box/none": false,
	} {
		for _, sandbox := range []string{box, filepath.Join(dir, "to-box"), box + "/"} {
			_, b, err := runWith(`{{file "`+filepath.Join(dir, path)+`"}}`, Inputs{Sandbox: sandbox})
			if (err == nil) != inside || (len(b.Used()) == 1) != inside {
				t.Errorf("%s in %s: error %v, asks for %s", path, sandbox, err, describe(b.Used()))
			}
		}
	}
}

func TestDenied(t *testing.T) {
	denied := Denied(Helpers(), []string{"sprig_*Regex*", "toUpper"})
	for name, want := range map[string]bool{"sprig_mustRegexFind": true, "toUpper": true, "sprig_regexFind": false, "toUpperX": false} {
		if _, is := denied[name]; is != want {
			t.Errorf("%s is denied: %v", name, is)
		}
	}
	_, err := denied["toUpper"].(func(...any) (string, error))("a")
	if !matches(err, "toUpper is on the list") {
		t.Error(err)
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "", true}, {"", "", true}, {"", "a", false}, {"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*b", "ab", true},
		{"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "acb", false}, {"*b*", "abc", true}, {"a*a", "a", false}, {"**", "x", true},
		{"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false}, {"?", "a", false}, {"[a]", "a", false},
	} {
		if got := globMatches(test.pattern, test.name); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.name, got)
		}
	}
}

func TestScratch(t *testing.T) {
	var s Scratch
	if s.Key("a") || s.Get("a") != nil || s.MapValues("a") != nil {
		t.Error("a new scratch is not empty")
	}
	s.Set("a", nil)
	s.SetX("a", 1)
	if !s.Key("a") || s.Get("a") != nil {
		t.Error("nil is not kept")
	}
	if _, err := s.MapSet("a", "k", 1); !matches(err, `"a" holds a <nil>, not a map`) {
		t.Error(err)
	}
	for _, key := range []string{"b", "a", "b"} {
		if _, err := s.MapSetX("m", key, key+"1"); err != nil {
			t.Error(err)
		}
	}
	if got := s.MapValues("m"); !slices.Equal(got, []any{"a1", "b1"}) {
		t.Errorf("values %v", got)
	}
}

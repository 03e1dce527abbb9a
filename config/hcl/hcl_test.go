package hcl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type shared struct {
	Name  string   `hcl:"name"`
	Names []string `hcl:"names,accumulate,alias=others"`
}

type whole struct {
	First string `hcl:"first"`
	shared
	Last int `hcl:"last"`
}

// What is embedded is read and written as if it stood there itself.
func TestEmbedded(t *testing.T) {
	text := "first = \"a\"\nname = \"b\"\nnames = [\"c\", \"d\"]\nlast = 3\n"
	want := whole{"a", shared{"b", []string{"c", "d"}}, 3}
	o, err := Parse("test.hcl", []byte(strings.Replace(text, "names", "others", 1)))
	if err != nil {
		t.Fatal(err)
	}
	var got whole
	if err := Decode(o, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(whole{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if diff := cmp.Diff(text, Encode(got, whole{}, nil)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for text, want := range map[string]string{
		"nam = 1":        `test.hcl:1:1: unknown key "nam"; did you mean name?`,
		"\n  name = [1]": "test.hcl:2:10: name must be a string, not a list",
		`{"last": "x"}`:  "test.hcl:1:10: last must be a whole number, not a string",
	} {
		o, err := Parse("test.hcl", []byte(text))
		if err == nil {
			err = Decode(o, &got)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// Whatever the text, it is read to its end or to a fault with a place.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"a = 1", "a \"b\" { c = [1, \"d\", { e = true }] }", `{"a": [{"b": null}, 1.5]}`, "a = <<X\nb\nX\n", "a = \"${", "{\"a\":"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := Parse("fuzz", text)
		if err != nil && (o != nil || !strings.HasPrefix(err.Error(), "fuzz")) {
			t.Errorf("%v and %v", o, err)
		}
	})
}

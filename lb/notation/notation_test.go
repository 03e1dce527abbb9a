package notation

import (
	"strings"
	"testing"
)

func TestEach(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		" ; ":                  "",
		"a=1;b=2":              "a<1> b<2>",
		` a = " 1 " ; b=x=y ;`: "a<1> b<x=y>",
		"a":                    `error: "a" is not of the form key=value`,
		`b=1;a=""`:             `b<1> error: "a=\"\"" is not of the form key=value`,
		"a=1;b=2;a=3":          `a<1> b<2> error: "a" is given twice`,
		"ab=1;d=2":             `error: unknown key "ab"; did you mean a? (supported: a, b)`,
	} {
		var got []string
		err := Each(text, func(key, value string) error {
			if key != "a" && key != "b" {
				return Unknown("key", key, []string{"a", "b"})
			}
			got = append(got, key+"<"+value+">")
			return nil
		})
		if err != nil {
			got = append(got, "error: "+err.Error())
		}
		if all := strings.Join(got, " "); all != want {
			t.Errorf("%q: %s; want %s", text, all, want)
		}
	}
}

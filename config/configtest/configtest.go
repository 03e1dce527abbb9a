// Package configtest has what tests of configurations share: a configuration of a text,
// and a list of its settings to compare.
package configtest

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/exit"
)

var update = flag.Bool("update-config", false, "rewrite *.golden from what the code does")

// NoEnv is an environment without variables.
func NoEnv(string) string { return "" }

// Text is a configuration of that text, checked.
func Text(t *testing.T, text string) config.Config {
	t.Helper()
	c := config.DefaultConfig()
	if err := c.LoadText("test.hcl", []byte(text)); err != nil {
		t.Fatal(err)
	}
	c.Settle()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Dump lists the settings that differ from the defaults, one a line.
func Dump(c config.Config) string {
	base := config.DefaultConfig()
	base.Settle()
	var b strings.Builder
	dumpValue(&b, "", reflect.ValueOf(c), reflect.ValueOf(base))
	return b.String()
}

func dumpValue(b *strings.Builder, path string, v, base reflect.Value) {
	if value, given, ok := optional(v); ok {
		standard, fixed, _ := optional(base)
		switch {
		case given && fixed:
			dumpValue(b, path, value, standard)
		case given:
			fmt.Fprintf(b, "%s = %v\n", path, value)
		}
		return
	}
	switch {
	case v.Kind() == reflect.Struct && v.NumField() > 0:
		for _, f := range reflect.VisibleFields(v.Type()) {
			name, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
			switch {
			case name != "":
			case f.IsExported() && f.Type == reflect.TypeFor[string](): // where a stanza stands, and its name
				name = strings.ToLower(f.Name)
			default:
				continue
			}
			dumpValue(b, hcl.Join(path, name), v.FieldByIndex(f.Index), base.FieldByIndex(f.Index))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			element := reflect.New(v.Type().Elem())
			element.Interface().(hcl.Defaulted).SetDefaults(hcl.Position{})
			if t, ok := reflect.TypeAssert[*config.Template](element); ok {
				*t = inherited(*t)
			}
			dumpValue(b, fmt.Sprintf("%s[%d]", path, i), v.Index(i), element.Elem())
		}
	case !reflect.DeepEqual(v.Interface(), base.Interface()):
		format := "%s = %v\n"
		if k := v.Kind(); k == reflect.String || k == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
			format = "%s = %q\n"
		}
		fmt.Fprintf(b, format, path, v.Interface())
	}
}

// inherited is a template with what it has of the top level.
func inherited(t config.Template) config.Template {
	c := config.DefaultConfig()
	c.Templates = []config.Template{t}
	c.Settle()
	return c.Templates[0]
}

// optional is what is in an Optional, and whether it was given.
func optional(v reflect.Value) (value reflect.Value, given, ok bool) {
	if !v.CanAddr() {
		addressable := reflect.New(v.Type())
		addressable.Elem().Set(v)
		v = addressable.Elem()
	}
	if _, ok := reflect.TypeAssert[hcl.Slotted](v.Addr()); !ok {
		return v, false, false
	}
	return v.Field(0), v.Field(1).Bool(), true
}

// Golden compares with a file, or writes it with -update-config.
func Golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Status is that of an error that ends the program.
func Status(t *testing.T, err error) int {
	t.Helper()
	exit, ok := errors.AsType[*exit.Error](err)
	if !ok {
		t.Fatalf("no status: %v", err)
	}
	return exit.Code
}

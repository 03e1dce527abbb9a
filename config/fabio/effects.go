package fabio

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// TellEffects tells of each property which settings it made, by their paths in the
// configuration. That is found out by reading them one by one.
func TellEffects(all []Property, backend string, getenv func(string) string, tell func(path string, p Property)) {
	defaults := func() config.Config {
		c := config.DefaultConfig()
		SetDefaults(&c)
		c.Fabio.Registry.Backend = backend // by which others count
		return c
	}
	base := defaults()
	_ = newReader(&base, getenv).finish() // what is missing is not what is asked here
	for _, p := range all {
		key, ok := findKey(p.Key)
		if !ok {
			continue
		}
		alone := defaults()
		if strings.EqualFold(p.Key, "registry.backend") {
			alone.Fabio.Registry.Backend = ""
		}
		r := newReader(&alone, getenv)
		if key.set(r, p) == nil {
			_ = r.finish() // likewise
			for _, at := range differingPaths("", reflect.ValueOf(alone), reflect.ValueOf(base)) {
				tell(at, p)
			}
		}
	}
}

// differingPaths are the paths of the settings that differ, or of the stanzas
// for lists.
func differingPaths(path string, v, base reflect.Value) (paths []string) {
	for i := range v.NumField() {
		tag, ok := v.Type().Field(i).Tag.Lookup("hcl")
		if !ok || reflect.DeepEqual(v.Field(i).Interface(), base.Field(i).Interface()) {
			continue
		}
		name, _, _ := strings.Cut(tag, ",")
		at := hcl.Join(path, name)
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[[]config.Listener]():
			for n := range f.Len() {
				paths = append(paths, fmt.Sprintf("%s[%d]", at, n))
			}
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			for n := range f.Len() {
				if c, ok := reflect.TypeAssert[config.Certificates](f.Index(n)); ok && c.SpellOut() == nil {
					paths = append(paths, hcl.Join(at, c.Name))
				} else {
					paths = append(paths, hcl.Join(at, f.Index(n).FieldByName("Name").String()))
				}
			}
		case f.Kind() == reflect.Struct && f.Type().Field(0).Tag.Get("hcl") != "":
			paths = append(paths, differingPaths(at, f, base.Field(i))...)
		default:
			paths = append(paths, at)
		}
	}
	return paths
}

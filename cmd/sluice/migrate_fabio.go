package main

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// fabio takes over a properties file: what -fabio makes of it, written down.
func (m *migration) fabio(path, text string, getenv func(string) string) error {
	all, variables, err := parseProperties(path, text, getenv)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no settings: %s", path, whatMigrates)
	}
	if !slices.ContainsFunc(all, func(p property) bool { _, ok := findFabioKey(p.key); return ok }) {
		return fmt.Errorf("%s has no property of Fabio: %s", path, whatMigrates)
	}
	settings := fabioSettings{path: path}
	// Of variables only those count that the file names.
	named := func(name string) string {
		if slices.ContainsFunc(variables, func(v reference) bool { return v.name == name }) {
			return getenv(name)
		}
		return ""
	}
	if err := settings.take(&m.Config, text, named); err != nil {
		return err
	}
	for _, v := range variables {
		if v.set {
			m.notes = append(m.notes, note{path: path, line: lineOf(v.property.origin), text: v.property.key + ": ${" + v.name + "} is written as the variable is now"})
		}
	}
	for _, warning := range m.Warnings {
		m.notes = append(m.notes, noteOf(path, warning))
	}
	m.Warnings = nil
	for i := range m.LB.Certificates {
		if err := m.LB.Certificates[i].SpellOut(); err != nil {
			return err
		}
	}
	m.tellProperties(all, named)
	m.comment("tags", "only Fabio's tags are read; leave dialects out to read Traefik's as well")
	return nil
}

// tellProperties has comments say which property made which setting. That is found
// out by reading them one by one.
func (m *migration) tellProperties(all []property, getenv func(string) string) {
	defaults := func() config.Config {
		c := config.DefaultConfig()
		setFabioDefaults(&c)
		c.Fabio.Registry.Backend = m.Fabio.Registry.Backend // by which others count
		return c
	}
	base := defaults()
	_ = newFabioReader(&base, getenv).finish() // what is missing is not what is asked here
	for _, p := range all {
		key, ok := findFabioKey(p.key)
		if !ok {
			continue
		}
		alone := defaults()
		if strings.EqualFold(p.key, "registry.backend") {
			alone.Fabio.Registry.Backend = ""
		}
		r := newFabioReader(&alone, getenv)
		if key.set(r, p) == nil {
			_ = r.finish() // likewise
			for _, at := range differingPaths("", reflect.ValueOf(alone), reflect.ValueOf(base)) {
				m.comment(at, "%s: %s", p.origin, p.key)
			}
		}
	}
}

// lineOf is the line of FILE:LINE.
func lineOf(origin string) int {
	_, line, _ := strings.Cut(origin[max(0, strings.LastIndexByte(origin, ':')):], ":")
	n, _ := strconv.Atoi(line)
	return n
}

// noteOf is a warning that may start with its place.
func noteOf(path, warning string) note {
	n := note{path: path, text: warning}
	if rest, ok := strings.CutPrefix(warning, path+":"); ok {
		if _, err := fmt.Sscanf(rest, "%d:", &n.line); err == nil {
			_, n.text, _ = strings.Cut(rest, ": ")
		}
	}
	return n
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

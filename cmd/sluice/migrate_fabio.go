package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/sluiceproxy/sluice/lb"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// fabio takes over a properties file: what -fabio makes of it, written down.
func (m *migration) fabio(path, text string, getenv func(string) string) error {
	all, err := parseProperties(path, text, getenv)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no settings: %s", path, whatMigrates)
	}
	settings := fabioSettings{path: path}
	if err := settings.load(&m.Config, func(string) string { return "" }); err != nil {
		return err
	}
	for _, warning := range m.warnings {
		m.notes = append(m.notes, noteOf(path, warning))
	}
	m.warnings = nil
	if backend := m.Fabio.registry.backend; backend != "" && backend != "consul" {
		m.notes = append(m.notes, note{path: path, text: "registry.backend = " + backend + " has no equivalent: run sluice -fabio on this file, or write the routes in fabio { routes }"})
	}
	if m.Admin.tls != "" {
		m.notes = append(m.notes, note{path: path, text: "ui.addr: TLS of the admin listener has no equivalent; it is left out, so that it is not open without"})
		m.Admin.Listen, m.Admin.tls = adminOff, ""
	}
	for i := range m.LB.Certificates {
		if err := m.LB.Certificates[i].spellOut(); err != nil {
			return err
		}
	}
	// Which property made which setting is found out by reading them one by one.
	base := DefaultConfig()
	base.setFabioDefaults()
	for _, p := range all {
		key, ok := findFabioKey(p.key)
		if !ok {
			continue
		}
		alone := DefaultConfig()
		alone.setFabioDefaults()
		r := newFabioReader(&alone)
		if key.set(r, p) == nil && r.finish() == nil {
			for _, at := range differingPaths("", reflect.ValueOf(alone), reflect.ValueOf(base)) {
				m.comment(at, "%s: %s", p.origin, p.key)
			}
		}
	}
	m.comment("tags", "only Fabio's tags are read; leave dialects out to read Traefik's as well")
	return nil
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
		at := join(path, name)
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[[]Listener]():
			for n := range f.Len() {
				paths = append(paths, fmt.Sprintf("%s[%d]", at, n))
			}
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			for n := range f.Len() {
				if c, ok := reflect.TypeAssert[Certificates](f.Index(n)); ok && c.spellOut() == nil {
					paths = append(paths, join(at, c.Name))
				} else {
					paths = append(paths, join(at, f.Index(n).FieldByName("Name").String()))
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

// spellOut puts a source that was given in package lb's notation into fields.
func (c *Certificates) spellOut() error {
	if c.text == "" {
		return nil
	}
	s, err := lb.ParseCertSource(c.text.Reveal())
	if err != nil {
		return err
	}
	c.Name, c.Type, c.Cert, c.Key, c.ClientCA, c.Refresh = s.Name, s.Type, s.Cert, s.Key, s.ClientCA, s.Refresh
	for name, values := range s.Header {
		c.Header = dial.Secret(name + ": " + values[0])
	}
	c.text = ""
	return nil
}

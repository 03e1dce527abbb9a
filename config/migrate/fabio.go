package migrate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config/fabio"
)

// fabio takes over a properties file: what -fabio makes of it, written down.
func (m *migration) fabio(path, text string, getenv func(string) string) error {
	all, variables, err := fabio.Parse(path, text, getenv)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("%s has no settings: %s", path, whatMigrates)
	}
	if !slices.ContainsFunc(all, func(p fabio.Property) bool { return fabio.HasKey(p.Key) }) {
		return fmt.Errorf("%s has no property of Fabio: %s", path, whatMigrates)
	}
	settings := fabio.Settings{Path: path}
	// Of variables only those count that the file names.
	named := func(name string) string {
		if slices.ContainsFunc(variables, func(v fabio.Reference) bool { return v.Name == name }) {
			return getenv(name)
		}
		return ""
	}
	if err := settings.Take(&m.Config, text, named); err != nil {
		return err
	}
	for _, v := range variables {
		if v.Set {
			m.notes = append(m.notes, note{path: path, line: lineOf(v.Property.Origin), text: v.Property.Key + ": ${" + v.Name + "} is written as the variable is now"})
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
	fabio.TellEffects(all, m.Fabio.Registry.Backend, named, func(path string, p fabio.Property) {
		m.comment(path, "%s: %s", p.Origin, p.Key)
	})
	m.comment("tags", "only Fabio's tags are read; leave dialects out to read Traefik's as well")
	return nil
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

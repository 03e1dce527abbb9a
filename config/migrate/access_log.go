package migrate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb/accesslog"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// accessLog takes over the access log of any Traefik, whose formats are those of
// the names.
func (m *migration) accessLog(t *tree, text, json string) {
	const at = "accessLog"
	if !t.has(at) {
		return
	}
	t.text(at)
	m.comment("lb.access_log", "%s", m.origin(t, at))
	a := &m.LB.AccessLog
	a.Target = cmp.Or(t.text(at+".filePath"), accesslog.Stdout)
	switch format := t.text(at + ".format"); format {
	case "json":
		a.Format = json
	case "genericCLF":
		a.Format = "generic-clf"
	default:
		a.Format = text
		if format != "" && format != "common" {
			m.note(t, at+".format", fmt.Sprintf("there is no format %s: as there, it is common", format))
		}
	}
	a.Filter.Status = t.list(at + ".filters.statusCodes")
	a.Filter.Retried = t.is(at + ".filters.retryAttempts")
	a.Filter.MinDuration, _ = spec.ParseDuration(cmp.Or(t.text(at+".filters.minDuration"), "0"))
	a.Fields = m.fieldModes(t, at+".fields", accesslog.FieldsOf(a.Format))
	a.Headers = m.modes(t, at+".fields.headers")
	a.DropQuery = t.text(at+".fields.queryParameters.defaultMode") == "drop"
	t.take(at + ".bufferingSize") // lines are always written in batches
}

// modes are those of the fields or headers of an access log.
func (m *migration) modes(t *tree, at string) (modes config.AccessLogModes) {
	mode := func(at string) string {
		text := t.text(at)
		if text == "" || slices.Contains([]string{"keep", "drop", "redact"}, text) {
			return text
		}
		m.note(t, at, fmt.Sprintf("%s: %s is none of keep, drop, redact, and has no effect there either", at, text))
		return ""
	}
	modes.Default = mode(at + ".defaultMode")
	for _, name := range t.names(at + ".names") {
		switch mode(at + ".names." + name) {
		case "keep":
			modes.Keep = append(modes.Keep, name)
		case "drop":
			modes.Drop = append(modes.Drop, name)
		case "redact":
			modes.Redact = append(modes.Redact, name)
		}
	}
	return modes
}

// fieldModes are modes without names that are no field's.
func (m *migration) fieldModes(t *tree, at string, known []string) config.AccessLogModes {
	modes := m.modes(t, at)
	for _, names := range []*[]string{&modes.Keep, &modes.Drop, &modes.Redact} {
		*names = slices.DeleteFunc(*names, func(name string) bool {
			missing := !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, name) })
			if missing {
				place := at + ".names." + name
				m.note(t, place, place+" is no field of the access log")
			}
			return missing
		})
		if len(*names) == 0 {
			*names = nil
		}
	}
	return modes
}

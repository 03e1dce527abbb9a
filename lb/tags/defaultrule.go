package tags

import (
	"errors"
	"strings"
	"text/template"
	"unicode"
)

// because completes a problem with a fault found in a rule.
func (p Problem) because(err error) Problem {
	p.Reason = err.Error()
	if fault, ok := errors.AsType[*ruleError](err); ok {
		p.Hint = fault.hint
		if p.Offset >= 0 {
			p.Offset += fault.offset
		}
	}
	return p
}

// renderRule executes the template of a rule.
func renderRule(text string, functions template.FuncMap, data map[string]any) (string, error) {
	t, err := template.New("rule").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// renderRule1 executes the template of a rule of Traefik v1. Its data are the
// name of the frontend's service, the domain and the tags of all instances,
// which its functions look tags up in.
func (p *parser) renderRule1(text, service string) (string, error) {
	var tags []string
	for _, v := range p.views {
		if v.dialect == Traefik1 {
			tags = append(tags, v.Tags...)
		}
	}
	find := func(name string, tags []string) (value string, ok bool) {
		for _, tag := range tags {
			if key, value, _ := strings.Cut(tag, "="); strings.EqualFold(key, name) {
				return value, true
			}
		}
		return "", false
	}
	get := func(name string, tags []string, otherwise string) string {
		if value, ok := find(name, tags); ok {
			return value
		}
		return otherwise
	}
	return renderRule(text, template.FuncMap{
		"getTag": get,
		"hasTag": func(name string, tags []string) bool {
			_, ok := find(name, tags)
			return ok
		},
		"getAttribute": func(name string, tags []string, otherwise string) string {
			return get(p.TraefikPrefix+"."+name, tags, otherwise)
		},
	}, map[string]any{"ServiceName": service, "Domain": p.Domain, "Attributes": tags})
}

// normalize makes a name usable in a host name: what is neither letter nor
// digit becomes one dash, and none at the edges.
func normalize(name string) string {
	words := strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	return strings.Join(words, "-")
}

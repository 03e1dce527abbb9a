package tags

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"text/template"
	"text/template/parse"
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

// renderer executes a template: [renderRule] or [renderTag].
type renderer func(text string, functions template.FuncMap, data map[string]any) (string, error)

// renderRule executes the template of a rule that the configuration holds.
func renderRule(text string, functions template.FuncMap, data map[string]any) (string, error) {
	t, err := template.New("rule").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	return execute(t, data)
}

func execute(t *template.Template, data map[string]any) (string, error) {
	var b boundedText
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// maxRule bounds what a template makes, in bytes.
const maxRule = 64 << 10

// boundedText is a text of up to maxRule bytes.
type boundedText struct{ strings.Builder }

// Write implements [io.Writer].
func (b *boundedText) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRule {
		return 0, fmt.Errorf("the rule has more than %d bytes", maxRule)
	}
	return b.Builder.Write(p)
}

// renderTag executes the template that a tag holds. Who writes tags may write
// anything: what repeats itself, and functions that make more of a text than there
// was, are refused, so that the end is never far.
func renderTag(text string, functions template.FuncMap, data map[string]any) (string, error) {
	for _, name := range []string{"print", "printf", "println", "html", "js", "urlquery", "call"} {
		functions[name] = func(...any) (string, error) { return "", errors.New("function " + name + " is not available") }
	}
	t, err := template.New("rule").Funcs(functions).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	if t.Tree != nil && repeats(t.Root) {
		return "", errors.New("range, template and block are not available")
	}
	return execute(t, data)
}

// repeats reports whether a part of a template may be executed more than once.
func repeats(list *parse.ListNode) bool {
	if list == nil {
		return false
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.RangeNode, *parse.TemplateNode:
			return true
		case *parse.IfNode:
			if repeats(n.List) || repeats(n.ElseList) {
				return true
			}
		case *parse.WithNode:
			if repeats(n.List) || repeats(n.ElseList) {
				return true
			}
		}
	}
	return false
}

// renderRule1 executes the template of a rule of Traefik v1. Its data are the
// name of the frontend's service, the domain and the tags of all instances,
// which its functions look tags up in.
func (p *parser) renderRule1(render renderer, text, service string) (string, error) {
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
	return render(text, template.FuncMap{
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

// defaultRule gives a router of Traefik v2/v3 the rule of those that have none.
func (m *merger) defaultRule(r *router, v view) {
	labels := map[string]string{}
	for _, l := range v.labels {
		labels["traefik."+l.key] = l.value
	}
	functions := template.FuncMap{}
	maps.Copy(functions, m.RuleFunctions)
	functions["normalize"] = normalize
	text, err := renderRule(m.DefaultRule, functions, map[string]any{"Name": m.Service, "Labels": labels})
	if err != nil {
		r.broken = "the default rule: " + err.Error()
	}
	r.rule, r.syntax = label{value: text}, syntaxV3 // whatever the router's own
}

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

// renderRule executes the template of a default rule.
func renderRule(text string, data map[string]any) (string, error) {
	t, err := template.New("rule").Funcs(template.FuncMap{"normalize": normalize}).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// normalize makes a name usable in a host name: what is neither letter nor
// digit becomes one dash, and none at the edges.
func normalize(name string) string {
	words := strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	return strings.Join(words, "-")
}

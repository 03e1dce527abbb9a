package render

import (
	"errors"
	"fmt"
	"text/template"
)

// maxNesting bounds how deep templates may call each other by
// "executeTemplate"; text/template has a bound of its own for {{template}}.
const maxNesting = 1000

// nesting executes templates defined in the text, for "executeTemplate".
type nesting struct {
	defined *template.Template
	out     *limitedBuffer
	depth   int
}

// executeTemplate is the text of a defined template, with nil or data as its
// dot.
func (n *nesting) executeTemplate(name string, data ...any) (string, error) {
	t := n.defined.Lookup(name)
	switch {
	case t == nil:
		return "", fmt.Errorf("executeTemplate: no template %q is defined", name)
	case len(data) > 1:
		return "", fmt.Errorf("executeTemplate %q: %d arguments given, want a name and at most one value", name, 1+len(data))
	case n.depth == maxNesting:
		return "", errors.New("executeTemplate: templates call each other without end")
	}
	n.depth++
	defer func() { n.depth-- }()
	var dot any
	if len(data) == 1 {
		dot = data[0]
	}
	inner := &limitedBuffer{deadline: n.out.deadline, waited: n.out.waited}
	if err := t.Execute(inner, dot); err != nil {
		return "", err
	}
	return inner.String(), nil
}

// withoutTemplates stands for executeTemplate while a text is parsed.
func withoutTemplates(string, ...any) (string, error) {
	return "", errors.New("executeTemplate: nothing is defined yet")
}

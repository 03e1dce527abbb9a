package match

import (
	"regexp"
	"slices"
	"strings"
)

// translate makes a regular expression of a template: plain text with variables
// {name} or {name:expression}.
func translate(kind patternKind, template string) (expression string, fault *PatternError) {
	if (kind == pathTemplate || kind == prefixTemplate) && !strings.HasPrefix(template, "/") {
		return "", &PatternError{0, "the path does not start with a slash"}
	}
	var out strings.Builder
	out.WriteString("^")
	var names []string
	for at := 0; at < len(template); {
		length := strings.IndexAny(template[at:], "{}")
		if length < 0 {
			length = len(template) - at
		}
		out.WriteString(kind.literal(template[at : at+length]))
		if at += length; at == len(template) {
			break
		}
		end := closing(template, at)
		if end < 0 {
			return "", &PatternError{at, "the braces are not balanced"}
		}
		name, variable, given := strings.Cut(template[at+1:end], ":")
		switch {
		case name == "" || given && variable == "":
			return "", &PatternError{at, "a variable needs a name and, behind a colon, an expression"}
		case slices.Contains(names, name):
			return "", &PatternError{at, "variable " + name + " is there twice"}
		case given:
			// On its own: "a)|(b" must not reach beyond its braces.
			if _, fault := parseExpression(variable); fault != nil {
				fault.Offset += end - len(variable)
				return "", fault
			}
		default:
			variable = kind.anything()
		}
		names = append(names, name)
		out.WriteString(kind.group(variable))
		at = end + 1
	}
	if kind != prefixTemplate {
		out.WriteString("$")
	}
	return out.String(), nil
}

// closing is where the brace at i is closed, or -1.
func closing(template string, i int) int {
	depth := 0
	for ; i < len(template); i++ {
		switch template[i] {
		case '{':
			depth++
		case '}':
			depth--
			if depth <= 0 {
				if depth < 0 {
					return -1
				}
				return i
			}
		}
	}
	return -1
}

// literal is the expression for plain text. Hosts are compared in lower case.
func (k patternKind) literal(text string) string {
	if k == hostTemplate {
		text = strings.ToLower(text)
	}
	return regexp.QuoteMeta(text)
}

func (k patternKind) group(variable string) string {
	if k == hostTemplate {
		return "(?i:" + variable + ")"
	}
	return "(?:" + variable + ")"
}

// anything is what a variable without an expression stands for.
func (k patternKind) anything() string {
	switch k {
	case hostTemplate:
		return "[^.]+"
	case queryTemplate:
		return ".*"
	}
	return "[^/]+"
}

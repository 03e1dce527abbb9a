package fabio

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// Property is one setting of a properties file, or one given in its place.
type Property struct {
	Key, Value string
	Origin     string // file:line, flag or variable
}

// Reference is a ${NAME} of a property that stands for a variable.
type Reference struct {
	Property Property
	Name     string
	Set      bool
}

// Parse reads the format of Java's properties files: "key = value",
// "key: value" or "key value"; comments start with # or !; a backslash at the
// end goes on in the next line. ${key} stands for the value of a property or of
// a variable. The error joins all faults, with their lines.
func Parse(path, text string, getenv func(string) string) (all []Property, variables []Reference, err error) {
	var errs []error
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") // without a byte order mark
	for n := 0; n < len(lines); n++ {
		line := strings.TrimLeft(strings.TrimSuffix(lines[n], "\r"), " \t\f")
		if line == "" || line[0] == '#' || line[0] == '!' {
			continue
		}
		origin := fmt.Sprintf("%s:%d", path, n+1)
		for continues(line) {
			line = line[:len(line)-1]
			if n++; n == len(lines) {
				break
			}
			line += strings.TrimLeft(strings.TrimSuffix(lines[n], "\r"), " \t\f")
		}
		key, value := splitProperty(line)
		if key, err = unescapeProperty(key); err == nil {
			value, err = unescapeProperty(value)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", origin, err))
			continue
		}
		all = append(all, Property{key, strings.TrimRight(value, " \t"), origin})
	}
	for i := range all {
		lookup := func(name string) string {
			value := getenv(name)
			variables = append(variables, Reference{all[i], name, value != ""})
			return value
		}
		value, err := expandProperty(all, all[i].Value, lookup, 0)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", all[i].Origin, all[i].Key, err))
			continue
		}
		all[i].Value = value
	}
	return all, variables, errors.Join(errs...)
}

// continues reports whether a line ends with an odd number of backslashes.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}

// splitProperty cuts at the first separator that is not escaped.
func splitProperty(line string) (key, value string) {
	end := len(line)
	for i := 0; i < len(line); i++ {
		if line[i] == '\\' {
			i++
		} else if strings.IndexByte("=: \t\f", line[i]) >= 0 {
			end = i
			break
		}
	}
	rest := strings.TrimLeft(line[end:], " \t\f")
	if rest != "" && (rest[0] == '=' || rest[0] == ':') {
		rest = strings.TrimLeft(rest[1:], " \t\f")
	}
	return line[:end], rest
}

func unescapeProperty(text string) (string, error) {
	if !strings.Contains(text, `\`) {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		switch c := text[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+4 >= len(text) {
				return "", errors.New(`\u needs four hexadecimal digits`)
			}
			n, err := strconv.ParseUint(text[i+1:i+5], 16, 16)
			if err != nil {
				return "", errors.New(`\u needs four hexadecimal digits`)
			}
			b.WriteRune(rune(n))
			i += 4
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// maxExpansions bounds how deep values may refer to others.
const maxExpansions = 16

func expandProperty(all []Property, value string, getenv func(string) string, depth int) (string, error) {
	before, rest, found := strings.Cut(value, "${")
	if !found {
		return value, nil
	}
	name, after, closed := strings.Cut(rest, "}")
	switch {
	case !closed:
		return "", errors.New("${ is not closed by }")
	case depth == maxExpansions:
		return "", fmt.Errorf("${%s} refers to itself", name)
	}
	var inner string
	if p, ok := lastOf(all, name); ok {
		inner = p.Value
	} else {
		inner = getenv(name)
	}
	inner, err := expandProperty(all, inner, getenv, depth+1)
	if err != nil {
		return "", err
	}
	after, err = expandProperty(all, after, getenv, depth)
	return before + inner + after, err
}

// IsProperties tells a properties file from TOML and YAML.
func IsProperties(path, text string) bool {
	if filepath.Ext(path) == ".properties" {
		return true
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "!") {
			continue
		}
		key, _ := splitProperty(line)
		_, ok := findKey(key)
		return ok && strings.Contains(key, ".")
	}
	return false
}

package migrate

import (
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
)

// places are the lines of keys, by path in lower case.
type places map[string]int

// line is that of a path, or of the nearest table around it.
func (p places) line(path string) int {
	path = strings.ToLower(path)
	for {
		if n := p[path]; n > 0 {
			return n
		}
		end := strings.LastIndexAny(path, ".[")
		if end < 0 {
			return 0
		}
		path = path[:end]
	}
}

// placesOf finds the lines of keys in files as people write them. A key in
// braces has the line of what is around it, or none.
func placesOf(text string, isTOML bool) places {
	if isTOML {
		return placesOfTOML(text)
	}
	return placesOfYAML(text)
}

func placesOfTOML(text string) places {
	p, n, table, tables := places{}, 0, "", map[string]int{}
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "[["); ok {
			name, _, _ = strings.Cut(name, "]]")
			name = plainPath(name)
			table = name + "[" + strconv.Itoa(tables[name]) + "]"
			tables[name]++
			p[table] = n
		} else if name, ok := strings.CutPrefix(line, "["); ok && !strings.Contains(line, "=") {
			name, _, _ = strings.Cut(name, "]")
			table = plainPath(name)
			for list, count := range tables { // a table inside the last element of a list
				if rest, ok := strings.CutPrefix(table, list+"."); ok {
					table = list + "[" + strconv.Itoa(count-1) + "]." + rest
				}
			}
			p[table] = n
		} else if key, _, ok := strings.Cut(line, "="); ok && !strings.HasPrefix(line, "#") {
			p[hcl.Join(table, plainPath(key))] = n
		}
	}
	return p
}

func plainPath(text string) string {
	return strings.ToLower(strings.Map(func(r rune) rune {
		if r == '"' || r == '\'' || r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, text))
}

func placesOfYAML(text string) places {
	type level struct {
		indent int
		path   string
		items  int
	}
	p, n, stack := places{}, 0, []level{{indent: -1}}
	for line := range strings.Lines(text) {
		n++
		rest := strings.TrimLeft(line, " ")
		indent := len(line) - len(rest)
		if rest = strings.TrimSpace(rest); rest == "" || rest[0] == '#' {
			continue
		}
		item := rest == "-" || strings.HasPrefix(rest, "- ")
		for last := stack[len(stack)-1]; len(stack) > 1 && (last.indent > indent || last.indent == indent && !item || last.indent == indent && strings.HasSuffix(last.path, "]")); last = stack[len(stack)-1] {
			stack = stack[:len(stack)-1]
		}
		if item {
			parent := &stack[len(stack)-1]
			path := parent.path + "[" + strconv.Itoa(parent.items) + "]"
			parent.items++
			p[path] = n
			stack = append(stack, level{indent: indent, path: path})
			inner := strings.TrimLeft(rest[1:], " ")
			indent += len(rest) - len(inner)
			rest = inner
		}
		key, _, ok := strings.Cut(rest, ":")
		if !ok {
			continue
		}
		path := hcl.Join(stack[len(stack)-1].path, plainPath(key))
		p[path] = n
		stack = append(stack, level{indent: indent, path: path})
	}
	return p
}

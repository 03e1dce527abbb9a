package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// node is a value of a configuration file, whichever language it was in:
// string, bool, int64, float64, []node, object, or nil for JSON's null.
type node struct {
	pos   position
	value any
}

// object is a stanza: its members in the order of the file, repeated ones too.
type object []member

type member struct {
	key   string
	pos   position
	value node
}

// position is a place in a configuration file; line and column count from 1,
// and are 0 where they are not known.
type position struct {
	file         string
	line, column int
}

func (p position) String() string {
	switch {
	case p.line == 0:
		return p.file
	case p.column == 0:
		return fmt.Sprintf("%s:%d", p.file, p.line)
	}
	return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column)
}

// fault is one thing wrong with a configuration file.
type fault struct {
	pos  position
	text string
}

func (f *fault) Error() string { return f.pos.String() + ": " + f.text }

// joinFaults joins faults in the order of the file.
func joinFaults(faults []*fault) error {
	slices.SortStableFunc(faults, func(a, b *fault) int {
		return cmp.Or(cmp.Compare(a.pos.line, b.pos.line), cmp.Compare(a.pos.column, b.pos.column))
	})
	errs := make([]error, len(faults))
	for i, f := range faults {
		errs[i] = f
	}
	return errors.Join(errs...)
}

// Both parsers call themselves for each level of nesting: the limits keep a
// mistaken file (-config /var/log/…) from taking all the stack.
const (
	maxConfigSize  = 1 << 20
	maxConfigDepth = 100
)

// parseConfig reads a configuration text, HCL 1 or, when it starts with a
// brace, JSON. The file's name is only used in positions.
func parseConfig(file string, src []byte) (object, error) {
	if len(src) > maxConfigSize {
		return nil, &fault{position{file: file}, fmt.Sprintf("is larger than a configuration may be (%d bytes)", maxConfigSize)}
	}
	if bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
		return parseJSON(file, src)
	}
	return parseHCL(file, src)
}

// describe names the kind of a value for a message.
func (n node) describe() string {
	switch n.value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case []node:
		return "a list"
	case object:
		return "a stanza"
	}
	return "null"
}

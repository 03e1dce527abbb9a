// Package hcl reads and writes the configuration's language: HCL 1, or JSON, into and
// from structs whose tags name the keys. It knows no key itself.
package hcl

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Node is a value of a configuration file, whichever language it was in:
// string, bool, int64, float64, []node, object, or nil for JSON's null.
type Node struct {
	Pos   Position
	Value any
}

// Object is a stanza: its members in the order of the file, repeated ones too.
type Object []Member

// Member is a key of a stanza, where it stands, and its value.
type Member struct {
	Key   string
	Pos   Position
	Value Node
}

// Position is a place in a configuration file; line and column count from 1,
// and are 0 where they are not known.
type Position struct {
	File         string
	Line, Column int
}

func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Fault is one thing wrong with a configuration file.
type Fault struct {
	Pos  Position
	Text string
}

func (f *Fault) Error() string { return f.Pos.String() + ": " + f.Text }

// joinFaults joins faults in the order of the file.
func joinFaults(faults []*Fault) error {
	slices.SortStableFunc(faults, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
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
	maxSize  = 1 << 20
	maxDepth = 100
)

// Parse reads a configuration text, HCL 1 or, when it starts with a
// brace, JSON. The file's name is only used in positions.
func Parse(file string, src []byte) (Object, error) {
	if len(src) > maxSize {
		return nil, &Fault{Position{File: file}, fmt.Sprintf("is larger than a configuration may be (%d bytes)", maxSize)}
	}
	if bytes.HasPrefix(bytes.TrimSpace(src), []byte("{")) {
		return parseJSON(file, src)
	}
	return parseHCL(file, src)
}

// Describe names the kind of a value for a message.
func (n Node) Describe() string {
	switch n.Value.(type) {
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case int64:
		return "a number"
	case float64:
		return "a number with a fraction"
	case []Node:
		return "a list"
	case Object:
		return "a stanza"
	}
	return "null"
}

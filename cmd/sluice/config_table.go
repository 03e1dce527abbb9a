package main

import (
	"fmt"
	"strings"
)

// Table is a stanza whose keys are the operator's: names of headers, attributes.
type Table[T ~string] map[string]T

func (*Table[T]) expects() string { return `a stanza such as { NAME = "VALUE" }` }

// unmarshalObject takes the place of all that was said before.
func (t *Table[T]) unmarshalObject(o object) error {
	*t = make(Table[T], len(o))
	for _, m := range o {
		text, ok := m.value.value.(string)
		if !ok {
			return fmt.Errorf("%s must be a string, not %s", m.key, m.value.describe())
		}
		if strings.TrimSpace(m.key) == "" {
			return fmt.Errorf("a name is empty")
		}
		(*t)[m.key] = T(text)
	}
	return nil
}

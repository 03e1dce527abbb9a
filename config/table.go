package config

import (
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
)

// Table is a stanza whose keys are the operator's: names of headers, attributes.
type Table[T ~string] map[string]T

// Expects implements [hcl.Expecting].
func (*Table[T]) Expects() string { return `a stanza such as { NAME = "VALUE" }` }

// UnmarshalObject takes the place of all that was said before.
func (t *Table[T]) UnmarshalObject(o hcl.Object) error {
	*t = make(Table[T], len(o))
	for _, m := range o {
		text, ok := m.Value.Value.(string)
		if !ok {
			return fmt.Errorf("%s must be a string, not %s", m.Key, m.Value.Describe())
		}
		if strings.TrimSpace(m.Key) == "" {
			return fmt.Errorf("a name is empty")
		}
		(*t)[m.Key] = T(text)
	}
	return nil
}

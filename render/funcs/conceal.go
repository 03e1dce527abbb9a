package funcs

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// conceal notes a value that no error may show.
func (b *Binding) conceal(value string) {
	if value != "" {
		b.concealed = append(b.concealed, value)
	}
}

// placeEnd is what text/template writes after name, line and column.
const placeEnd = ": executing "

// Redact takes the values of secrets, which the execution has used, out of its
// error: text/template quotes what it could not handle.
func (b *Binding) Redact(err error) error {
	if err == nil || len(b.concealed) == 0 {
		return err
	}
	// The longest first: one value may be a part of another.
	slices.SortFunc(b.concealed, func(x, y string) int { return cmp.Compare(len(y), len(x)) })
	// The place comes first; a value may be a number just as well.
	place, text, found := strings.Cut(err.Error(), placeEnd)
	if !found {
		place, text = "", err.Error()
	} else {
		place += placeEnd
	}
	for _, secret := range b.concealed {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return errors.New(place + text)
}

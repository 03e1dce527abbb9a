package funcs

import (
	"fmt"

	"github.com/davecgh/go-spew/spew"
)

// The spew functions show values with their types. Two of them print to
// standard output, past the file, on each execution.

func (b *Binding) spewDump(values ...any) (string, error) {
	return b.debug("spew_dump", spew.Sdump(values...))
}

func (b *Binding) spewPrintf(format string, values ...any) (string, error) {
	return b.debug("spew_printf", spew.Sprintf(format, values...))
}

func (b *Binding) debug(function, text string) (string, error) {
	if b.inputs.Debug == nil {
		return "", nil
	}
	if _, err := b.inputs.Debug.Write([]byte(text)); err != nil {
		return "", fmt.Errorf("%s: %w", function, err)
	}
	return "", nil
}

package file

import (
	"fmt"
	"strings"
)

// Fault is one thing wrong with one file of the catalog. It never quotes
// values, which may be secret.
type Fault struct {
	Path string
	Line int // from 1; 0 is the file as a whole
	Err  error
}

func (f Fault) Error() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %v", f.Path, f.Err)
	}
	return fmt.Sprintf("%s:%d: %v", f.Path, f.Line, f.Err)
}

func (f Fault) Unwrap() error { return f.Err }

func compareFaults(a, b Fault) int {
	if c := strings.Compare(a.Path, b.Path); c != 0 {
		return c
	}
	return a.Line - b.Line
}

package flags

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteUsage prints the help, less than 80 columns wide.
func WriteUsage(w io.Writer, head string) error {
	var b strings.Builder
	b.WriteString(head)
	for _, group := range groups() {
		b.WriteString("\n" + group.title + ":\n")
		for _, f := range group.flags {
			f.Write(&b)
		}
	}
	b.WriteString("\nDurations are written 250ms, 5s, 1m30s. Booleans take -flag or -flag=false.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Write prints a flag and, at a fixed column, what it does: in the same line if
// the flag is short enough.
func (f Flag) Write(b *strings.Builder) {
	const column, width = 30, 79
	head := strings.TrimRight("  -"+f.Name+" "+f.Value, " ")
	lines := wrap(f.Help, width-column)
	if n := utf8.RuneCountInString(head); n <= column-2 {
		head += strings.Repeat(" ", column-n) + lines[0]
		lines = lines[1:]
	}
	fmt.Fprintln(b, head)
	for _, line := range lines {
		fmt.Fprintln(b, strings.Repeat(" ", column)+line)
	}
}

// wrap breaks text between words into lines of at most width characters; a
// longer word has a line of its own.
func wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(text) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

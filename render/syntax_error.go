package render

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError is a template text that does not parse.
type SyntaxError struct {
	Source string
	Line   int // from 1
	Column int // from 1, in characters
	Reason string
	// Text is the offending line, cut if it is long.
	Text string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s: %s", e.Source, e.Line, e.Column, e.Reason, e.Text)
}

// newSyntaxError finds the place of a parse error, of which text/template tells
// the line only: the column is that of the word the message quotes, or of the
// first action on the line.
func newSyntaxError(t Template, text string, err error) error {
	message := err.Error()
	prefix := "template: " + t.Name() + ":"
	place, found := strings.CutPrefix(message, prefix)
	digits, reason, cut := strings.Cut(place, ": ")
	line, numErr := strconv.Atoi(digits)
	if !found || !cut || numErr != nil || line < 1 {
		return fmt.Errorf("%s: %w", t.Name(), err)
	}
	lines := strings.Split(text, "\n")
	offending := lines[min(line, len(lines))-1]
	return &SyntaxError{
		Source: t.Name(),
		Line:   line,
		Column: column(offending, reason, t.LeftDelimiter),
		Reason: reason,
		Text:   shorten(strings.TrimSpace(offending)),
	}
}

var quotedWord = regexp.MustCompile(`"[^"]+"|<[^>]+>`)

func column(line, reason, delimiter string) int {
	if delimiter == "" {
		delimiter = "{{"
	}
	at := -1
	if quoted := quotedWord.FindString(reason); quoted != "" {
		at = strings.Index(line, quoted[1:len(quoted)-1])
	}
	if at < 0 {
		at = strings.Index(line, delimiter)
	}
	return utf8.RuneCountInString(line[:max(at, 0)]) + 1
}

const maxShown = 120

func shorten(line string) string {
	if utf8.RuneCountInString(line) <= maxShown {
		return line
	}
	return string([]rune(line)[:maxShown]) + "…"
}

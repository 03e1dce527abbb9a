package main

import (
	"fmt"
	"io"
)

// Secret is text that must not be seen: whatever prints it prints ***, or
// nothing when it is empty. Reveal gives the text.
type Secret string

// Reveal is the text itself.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// Format hides the text from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the text from encoders, and so from slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

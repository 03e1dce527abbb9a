package dial

import (
	"fmt"
	"io"
)

// Hidden is shown in place of a secret.
const Hidden = "***"

// Secret is text that must not be seen: whatever prints, logs or encodes it shows
// ***, or nothing when it is empty, so that "is one set?" stays visible.
type Secret string

// Reveal returns the text itself, for the one place that sends it.
func (s Secret) Reveal() string { return string(s) }

// String hides the text.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return Hidden
}

// Format hides the text from every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText hides the text from encoders, and so from slog.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

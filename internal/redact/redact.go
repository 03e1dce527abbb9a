// Package redact hides what is not for everyone who can reach the API.
package redact

import (
	"net/url"
)

// Word stands for what is not for everyone who can reach the API.
const Word = "redacted"

// URL leaves out the password and the parameters of a URL. Nobody knows where
// they are in what cannot be read.
func URL(text string) string {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return Word
	case u.Host == "":
		return text
	}
	if u.User != nil {
		u.User = url.User(Word)
	}
	if u.RawQuery != "" {
		u.RawQuery = Word
	}
	return u.String()
}

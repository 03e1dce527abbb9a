package dns01

import (
	"errors"
	"os"
	"regexp"
	"strings"
)

const (
	hidden = "***"
	// minSecret is the length of values that are hidden: shorter ones are no secrets,
	// and would take parts of words away.
	minSecret = 6
	// maxText bounds what is told of an error, in bytes: some have whole pages.
	maxText = 1000
)

// Some providers send their token along in a URL's query, and operators have
// passwords in front of a host.
var (
	queries = regexp.MustCompile(`(https?://[^\s"?]*)\?[^\s"]*`)
	users   = regexp.MustCompile(`(https?://)[^/\s"@]*@`)
)

// secretWords are in the names of environment variables that hold secrets.
var secretWords = []string{"TOKEN", "KEY", "SECRET", "PASSWORD", "AUTH"}

// scrubbed is an error whose text has no secrets: the library's have URLs as they
// were asked for, and what a server has said to that.
func scrubbed(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := scrub(text, os.Environ())
	if len(clean) > maxText {
		clean = strings.ToValidUTF8(clean[:maxText], "") + "…"
	}
	if clean != text {
		return errors.New(clean)
	}
	return err
}

// scrub hides in a text what an environment has of secrets.
func scrub(text string, environment []string) string {
	text = users.ReplaceAllString(queries.ReplaceAllString(text, "$1?"+hidden), "$1")
	for _, variable := range environment {
		name, value, _ := strings.Cut(variable, "=")
		if !holdsSecret(name) {
			continue
		}
		if strings.HasSuffix(name, "_FILE") {
			content, err := os.ReadFile(value)
			if err != nil {
				continue
			}
			value = string(content)
		}
		if value = strings.TrimSpace(value); len(value) >= minSecret {
			text = strings.ReplaceAll(text, value, hidden)
		}
	}
	return text
}

func holdsSecret(name string) bool {
	for _, word := range secretWords {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

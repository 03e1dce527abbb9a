package dial

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// ResponseError is an answer that is no data. It wraps its Kind.
type ResponseError struct {
	Server string // what it is, for people: "vault", "nomad"
	Query  watch.Query
	Status int
	// Message is what the server says, without secrets.
	Message string
	// Kind is [watch.ErrDenied] or [watch.ErrNotFound] where that is what it says,
	// else nil.
	Kind error
	// Hint is what may be lacking, for a refusal.
	Hint string
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("%s: %s: %d %s", e.Server, e.Query, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Hint != "" && errors.Is(e.Kind, watch.ErrDenied) {
		text += "; " + e.Hint
	}
	return text
}

// Unwrap returns Kind.
func (e *ResponseError) Unwrap() error { return e.Kind }

// Refusal is the kind of a status that says that a right is missing, else nil.
func Refusal(status int) error {
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		return watch.ErrDenied
	}
	return nil
}

// Cause is what an HTTP client's error says besides the URL, which may hold more
// than is to be seen.
func Cause(err error) error {
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

// Message is a server's text fit to be shown: one line, its beginning only, and
// without the secrets.
func Message(text string, secrets ...string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, Hidden)
		}
	}
	const most = 300 // bytes
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

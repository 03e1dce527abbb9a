package nomad

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/nomad/api"
	"github.com/sluiceproxy/sluice/watch"
)

// ResponseError is an answer that is no data. It wraps [watch.ErrDenied] where
// that is what it says.
type ResponseError struct {
	Query  watch.Query
	Status int
	// Message is the beginning of the body.
	Message string
	kind    error
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("nomad: %s: %d %s", e.Query, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if errors.Is(e.kind, watch.ErrDenied) {
		text += "; the token needs " + needs(e.Query)
	}
	return text
}

// Unwrap returns what kind of refusal it was, or nil.
func (e *ResponseError) Unwrap() error { return e.kind }

// needs names the rights a query takes, in the words of Nomad's policies.
func needs(q watch.Query) string {
	switch q.(type) {
	case watch.NomadVariables:
		return "the capability list on variables below that path"
	case watch.NomadVariable:
		return "the capability read on that variable"
	default:
		return "the capability read-job in the namespace"
	}
}

// explain says what was asked and why it failed, without secrets.
func (s *Source) explain(q watch.Query, err error) error {
	if answer, ok := errors.AsType[api.UnexpectedResponseError](err); ok && answer.HasStatusCode() {
		e := &ResponseError{Query: q, Status: answer.StatusCode(), Message: s.shorten(answer.Body())}
		if e.Status == http.StatusForbidden || e.Status == http.StatusUnauthorized {
			e.kind = watch.ErrDenied
		}
		return e
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // it repeats the whole URL
	}
	return fmt.Errorf("nomad: %s at %s: %w", q, s.address, err)
}

// shorten takes the secrets and all but the beginning from a body.
func (s *Source) shorten(body string) string {
	for _, secret := range s.secrets {
		if secret != "" {
			body = strings.ReplaceAll(body, secret, "***")
		}
	}
	const most = 200
	body = strings.Join(strings.Fields(body), " ")
	if len(body) > most {
		body = strings.ToValidUTF8(body[:most], "") + "…"
	}
	return body
}

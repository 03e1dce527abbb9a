package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/sluiceproxy/sluice/watch"
)

// ResponseError is an answer that is no data. It wraps [watch.ErrDenied] or
// [watch.ErrNotFound] where that is what it says.
type ResponseError struct {
	Query   watch.Query
	Status  int
	Message string // without secrets
	kind    error
}

func (e *ResponseError) Error() string {
	text := fmt.Sprintf("vault: %s: %d %s", e.Query, e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if errors.Is(e.kind, watch.ErrDenied) {
		text += "; is the token alive, and does a policy of it allow that path?"
	}
	return text
}

// Unwrap returns what kind of refusal it was, or nil.
func (e *ResponseError) Unwrap() error { return e.kind }

// isRefusal reports whether Vault has understood and said no.
func isRefusal(err error) bool {
	answer, ok := errors.AsType[*api.ResponseError](err)
	return ok && answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests
}

// explain says what was asked and why it failed, without secrets.
func (s *Source) explain(q watch.Query, err error) error {
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		e := &ResponseError{Query: q, Status: answer.StatusCode, Message: s.redact(q, message(answer))}
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			e.kind = watch.ErrDenied
		case http.StatusNotFound:
			e.kind = watch.ErrNotFound
		}
		return e
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err // it repeats the whole URL
	}
	return fmt.Errorf("vault: %s at %s: %w", q, s.address, err)
}

// message joins Vault's own words. A body that is not Vault's stays out.
func message(answer *api.ResponseError) string {
	if answer.RawError {
		return "the answer is not Vault's"
	}
	const most = 300
	text := strings.Join(strings.Fields(strings.Join(answer.Errors, "; ")), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// redact takes out the token and what was to be written, which Vault may repeat.
func (s *Source) redact(q watch.Query, text string) string {
	secrets := []string{s.api.Token()}
	var data watch.Confidential
	switch q := q.(type) {
	case watch.VaultSecret:
		data = q.Data
	case watch.VaultCertificate:
		data = q.Data
	}
	var written map[string]string
	if json.Unmarshal([]byte(data.Reveal()), &written) == nil {
		for _, value := range written {
			secrets = append(secrets, value)
		}
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// plain is an error of the library in one line, without what it had to say of
// the request.
func (s *session) plain(err error) error {
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		text := message(answer)
		if token := s.api.Token(); token != "" {
			text = strings.ReplaceAll(text, token, "***")
		}
		return fmt.Errorf("%d %s: %s", answer.StatusCode, http.StatusText(answer.StatusCode), text)
	}
	if outer, ok := errors.AsType[*url.Error](err); ok {
		return outer.Err
	}
	return err
}

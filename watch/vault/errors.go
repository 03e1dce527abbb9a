package vault

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// isRefusal reports whether Vault has understood and said no.
func isRefusal(err error) bool {
	answer, ok := errors.AsType[*api.ResponseError](err)
	return ok && answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests
}

// explain says what was asked and why it failed, without secrets.
func (s *Source) explain(q watch.Query, err error) error {
	answer, ok := errors.AsType[*api.ResponseError](err)
	if !ok {
		return fmt.Errorf("vault: %s at %s: %w", q, s.address, dial.Cause(err))
	}
	e := &dial.ResponseError{
		Server:  "vault",
		Query:   q,
		Status:  answer.StatusCode,
		Message: dial.Message(words(answer), s.secrets(q)...),
		Kind:    dial.Refusal(answer.StatusCode),
		Hint:    "is the token alive, and does a policy of it allow that path?",
	}
	if e.Status == http.StatusNotFound {
		e.Kind = watch.ErrNotFound
	}
	return e
}

// words are what Vault says. A body that is not Vault's stays out.
func words(answer *api.ResponseError) string {
	if answer.RawError {
		return "the answer is not Vault's"
	}
	return strings.Join(answer.Errors, "; ")
}

// secrets are the token and what was to be written, which Vault may repeat.
func (s *Source) secrets(q watch.Query) []string {
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
	// A value that is a part of another must not hide that one's rest.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return secrets
}

// plain is an error of the library in one line, without what it had to say of
// the request.
func (s *session) plain(err error) error {
	if answer, ok := errors.AsType[*api.ResponseError](err); ok {
		text := dial.Message(words(answer), s.api.Token())
		return fmt.Errorf("%d %s: %s", answer.StatusCode, http.StatusText(answer.StatusCode), text)
	}
	return dial.Cause(err)
}

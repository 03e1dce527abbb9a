package nomad

import (
	"errors"
	"fmt"

	"github.com/hashicorp/nomad/api"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// explain says what was asked and why it failed, without secrets.
func (s *Source) explain(q watch.Query, err error) error {
	answer, ok := errors.AsType[api.UnexpectedResponseError](err)
	if !ok || !answer.HasStatusCode() {
		return fmt.Errorf("nomad: %s at %s: %w", q, s.address, dial.Cause(err))
	}
	return &dial.ResponseError{
		Server:  "nomad",
		Query:   q,
		Status:  answer.StatusCode(),
		Message: dial.Message(answer.Body(), s.secrets...),
		Kind:    dial.Refusal(answer.StatusCode()),
		Hint:    "the token needs " + needs(q),
	}
}

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

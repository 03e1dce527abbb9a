package roster

import (
	"errors"

	"github.com/sluiceproxy/sluice/watch"
)

// State tells whether there is an answer of the catalog.
type State uint8

// What may be known of an answer.
const (
	Pending State = iota // not heard of yet
	Refused              // for good: waiting will not help
	Failing              // cannot be had at the moment
	Read
)

// StateOf is the state of what there is no answer for, and why.
func StateOf(err error) State {
	switch {
	case errors.Is(err, watch.ErrDenied), errors.Is(err, watch.ErrInvalid):
		return Refused
	case err != nil:
		return Failing
	}
	return Pending
}

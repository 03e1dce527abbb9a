package middleware

import (
	"errors"
	"sync/atomic"
)

// spool is the room in files for bodies that are buffered, which all of them share,
// in bytes. A nil one has no bound.
type spool struct {
	max  int64
	used atomic.Int64
}

// DefaultSpool is the room there is unless [Registry.Spool] says otherwise.
const DefaultSpool = 2 << 30

var errNoRoom = errors.New("there are as many bodies in files as there may be")

// take takes room for n bytes of a body that has size of them already.
func (s *spool) take(n, size int64) error {
	switch {
	case s == nil:
		return nil
	case size+n > s.max:
		return errTooLarge
	case s.used.Add(n) > s.max:
		s.used.Add(-n)
		return errNoRoom
	}
	return nil
}

func (s *spool) give(n int64) {
	if s != nil {
		s.used.Add(-n)
	}
}

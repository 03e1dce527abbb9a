package lb

import (
	"errors"
	"net/http"
	"slices"
)

// spread is a service composed of others that take turns by weight. Those that have
// nobody to answer are passed over.
type spread[E part] struct {
	rota
	service string
	parts   []weightedPart[E]
}

// part is a service that another one is composed of.
type part interface {
	// isUp reports whether there is anyone to answer.
	isUp() bool
	outline() Outline
}

type weightedPart[E part] struct {
	to     E
	name   string
	weight int
}

func (p weightedPart[E]) takes() bool { return p.weight > 0 && p.to.isUp() }

func (s *spread[E]) isUp() bool { return slices.ContainsFunc(s.parts, weightedPart[E].takes) }

// take takes a turn. It returns which part has it, or -1 if none is up.
func (s *spread[E]) take() int {
	if !s.isUp() {
		return -1
	}
	return s.next(func(i int) bool { return s.parts[i].to.isUp() })
}

// weighted is a spread of exchanges.
type weighted struct {
	spread[ending]
	cookie *cookie  // nil unless clients are to stay with a part
	values []string // of the cookie, one for each part
}

// Serve implements [Handler].
func (w *weighted) Serve(x *Exchange) {
	i, fresh := w.pick(x)
	if i < 0 {
		x.answerNoPart()
		return
	}
	if fresh {
		x.Reply = &markedReply{x.Reply, w.cookie, w.values[i]}
	}
	w.parts[i].to.Serve(x)
}

// pick returns the part whose turn it is, or that the client was with before; -1 is
// none. fresh says that the client is to be told of it.
func (w *weighted) pick(x *Exchange) (i int, fresh bool) {
	if w.cookie == nil {
		return w.take(), false
	}
	for value := range w.cookie.values(x) {
		if i := slices.Index(w.values, value); i >= 0 && w.parts[i].takes() {
			return i, false
		}
	}
	return w.take(), true
}

// answerNoPart is for when none of the parts has anyone to answer.
func (x *Exchange) answerNoPart() {
	x.Outcome.Err = errors.New("none of the services that it is composed of has a healthy instance")
	x.AnswerText(http.StatusServiceUnavailable, "503 no available server")
}

// markedReply adds a cookie to the answer.
type markedReply struct {
	Reply
	cookie *cookie
	value  string
}

// Begin implements [Reply].
func (r *markedReply) Begin(status int, h *Header, length int64) error {
	r.cookie.set(h, r.value)
	return r.Reply.Begin(status, h, length)
}

package lb

import (
	"errors"
	"net/http"
	"slices"
)

// weighted is a service composed of others that take turns by weight. Those that
// have nobody to answer are passed over.
type weighted struct {
	rota
	service string
	parts   []weightedPart
	cookie  *cookie // nil unless clients are to stay with a part
}

type weightedPart struct {
	ending
	value  string // of the cookie
	weight int
}

// Serve implements [Handler].
func (w *weighted) Serve(x *Exchange) {
	part, fresh := w.pick(x)
	if part == nil {
		x.answerNoPart()
		return
	}
	if fresh {
		x.Reply = &markedReply{x.Reply, w.cookie, part.value}
	}
	part.Serve(x)
}

// isUp implements [ending].
func (w *weighted) isUp() bool {
	return slices.ContainsFunc(w.parts, weightedPart.takes)
}

func (p weightedPart) takes() bool { return p.weight > 0 && p.isUp() }

// pick returns the part whose turn it is, or that the client was with before. fresh
// says that the client is to be told of it.
func (w *weighted) pick(x *Exchange) (part *weightedPart, fresh bool) {
	if w.cookie != nil {
		for value := range w.cookie.values(x) {
			i := slices.IndexFunc(w.parts, func(p weightedPart) bool { return p.value == value })
			if i >= 0 && w.parts[i].takes() {
				return &w.parts[i], false
			}
		}
	}
	if !w.isUp() {
		return nil, false
	}
	if i := w.next(func(i int) bool { return w.parts[i].isUp() }); i >= 0 {
		return &w.parts[i], w.cookie != nil
	}
	return nil, false
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

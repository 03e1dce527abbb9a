package h2

import "time"

// stall gives up a call of which the upstream takes nothing for too long: it may
// be connected and well, and yet admit no streams, or no bytes to them. The zero
// value has all the time there is.
type stall struct {
	limit time.Duration
	timer *time.Timer
}

func newStall(limit time.Duration, giveUp func()) stall {
	if limit <= 0 {
		return stall{}
	}
	s := stall{limit, time.AfterFunc(limit, giveUp)}
	s.end()
	return s
}

// begin is due when the upstream has something to take, end when it took it.
func (s stall) begin() {
	if s.timer != nil {
		s.timer.Reset(s.limit)
	}
}

func (s stall) end() {
	if s.timer != nil {
		s.timer.Stop()
	}
}

package lb

import (
	"slices"

	"github.com/sluiceproxy/sluice/lb/target"
)

// highest is a service composed of others of which each client has its own, by its
// address and their weights: that with the highest score of those that have anyone
// to answer. When one comes or goes, only the clients move that must.
type highest struct {
	service string
	parts   []highestPart
}

type highestPart struct {
	ending
	place  uint64 // see [target.Score]
	weight int
}

// Serve implements [Handler].
func (h *highest) Serve(x *Exchange) {
	affinity := target.HashAddr(x.Request.Remote)
	var best ending
	highest := 0.0
	for _, p := range h.parts {
		if score := target.Score(p.place, affinity, float64(p.weight)); score > highest && p.isUp() {
			best, highest = p.ending, score
		}
	}
	if best == nil {
		x.answerNoPart()
		return
	}
	best.Serve(x)
}

// isUp implements [ending].
func (h *highest) isUp() bool {
	return slices.ContainsFunc(h.parts, func(p highestPart) bool { return p.weight > 0 && p.isUp() })
}

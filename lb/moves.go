package lb

import (
	"maps"
	"slices"

	"github.com/sluiceproxy/sluice/lb/roster"
)

// logMoves tells of services that other datacenters stand in for, and that are
// back: a line for each datacenter, for most may move at once.
func (s *Server) logMoves(moves []roster.Move) {
	s.metrics.moves.Add(uint64(len(moves)))
	names := map[string][]string{}
	for _, m := range moves {
		names[m.Datacenter] = append(names[m.Datacenter], m.Service)
	}
	for _, datacenter := range slices.Sorted(maps.Keys(names)) {
		moved := names[datacenter]
		if datacenter == "" {
			s.log.Warn("services are served by their own datacenter again", "services", len(moved), "names", few(moved))
		} else {
			s.log.Warn("services of which nothing serves here are served by another datacenter",
				"datacenter", datacenter, "services", len(moved), "names", few(moved))
		}
	}
}

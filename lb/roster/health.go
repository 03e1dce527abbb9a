package roster

import (
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// Checks says which of an instance's checks must be in one of the accepted
// states. An instance in maintenance, or on a node in maintenance, gets no
// traffic whatever it is.
type Checks string

const (
	// ChecksEvery asks it of all checks, the node's too. An instance without any
	// is healthy.
	ChecksEvery Checks = ""
	// ChecksOne asks it of one check of the service at least, as Fabio does: of the
	// node's, only the agent's own counts, and an instance without a check of the
	// service gets no traffic.
	ChecksOne Checks = "one"
	// ChecksAll is as ChecksOne, but asks it of all checks of the service.
	ChecksAll Checks = "all"
)

// agentAlive is the check by which Consul says that a node's agent can be
// reached.
const agentAlive = "serfHealth"

// Health says which instances get traffic.
type Health struct {
	// Statuses are the states of health that do; see [watch.Instance.Status].
	Statuses []string
	// Checks says which checks must be in one of them.
	Checks Checks
}

// Serves reports whether the instance's health allows traffic to it.
func (h Health) Serves(i *watch.Instance) bool {
	status := i.Status()
	if Weight(i) <= 0 {
		return false
	}
	if h.Checks == ChecksEvery || status == watch.Maintenance {
		return slices.Contains(h.Statuses, status)
	}
	checks, good := 0, 0
	for _, c := range i.Checks {
		switch {
		case c.ID == agentAlive && c.Status == watch.Critical:
			return false
		case c.ServiceID == "":
		default:
			checks++
			if slices.Contains(h.Statuses, c.Status) {
				good++
			}
		}
	}
	return good > 0 && (h.Checks == ChecksOne || good == checks)
}

// Weight is the instance's weight in its state of health, as the catalog says.
// Consul's agents register 1 and 1 unless they are told otherwise; what came into
// the catalog in another way may have no weights at all. 0 is none of the traffic.
func Weight(i *watch.Instance) int {
	w := i.Service.Weights
	switch {
	case w == (watch.Weights{}):
		return 1
	case i.Status() == watch.Warning:
		return w.Warning
	}
	return w.Passing
}

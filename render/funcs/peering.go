package funcs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Peering is the connection to another cluster.
type Peering struct {
	ID                  string
	Name                string
	Partition           string
	Meta                map[string]string
	PeeringState        string
	PeerID              string
	PeerServerName      string
	PeerServerAddresses []string
	StreamStatus        PeeringStream
	Remote              PeeringRemote
}

// PeeringStream is what flows over a peering. Times are nil until something did.
type PeeringStream struct {
	ImportedServices []string
	ExportedServices []string
	LastHeartbeat    *time.Time
	LastReceive      *time.Time
	LastSend         *time.Time
}

// PeeringRemote is where a peering leads to.
type PeeringRemote struct {
	Partition  string
	Datacenter string
}

const peeringsGrammar = "?partition=name"

// peerings lists the connections to other clusters by state, partition and name.
func (b *Binding) peerings(args ...string) ([]*Peering, error) {
	text := strings.Join(args, "")
	q, err := parsePeeringsQuery(text)
	if err != nil {
		return nil, malformed("peerings", text, peeringsGrammar, err)
	}
	answer, _ := recall(b, q)
	peerings := make([]*Peering, 0, len(answer))
	for _, p := range answer {
		peerings = append(peerings, newPeering(p))
	}
	slices.SortStableFunc(peerings, func(a, b *Peering) int {
		return cmp.Or(
			cmp.Compare(a.PeeringState, b.PeeringState),
			cmp.Compare(a.Partition, b.Partition),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return peerings, nil
}

// parsePeeringsQuery reads ?partition=name, the argument of "peerings".
func parsePeeringsQuery(text string) (watch.Peerings, error) {
	a, scope, err := parseScoped(text, "?")
	if err == nil && a.name != "" {
		err = fmt.Errorf("%q is not understood", a.name)
	}
	if err != nil {
		return watch.Peerings{}, err
	}
	return watch.Peerings{Partition: scope.Partition}, nil
}

func newPeering(p watch.Peering) *Peering {
	return &Peering{
		ID:                  p.ID,
		Name:                p.Name,
		Partition:           p.Partition,
		Meta:                p.Meta,
		PeeringState:        p.State,
		PeerID:              p.PeerID,
		PeerServerName:      p.PeerServerName,
		PeerServerAddresses: p.PeerServerAddresses,
		StreamStatus:        PeeringStream(p.Stream),
		Remote:              PeeringRemote{Partition: p.RemotePartition, Datacenter: p.RemoteDatacenter},
	}
}

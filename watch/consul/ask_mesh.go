package consul

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// askMesh is askFor for queries about the mesh and other clusters.
func askMesh(q watch.Query) (ask, bool) {
	switch q := q.(type) {
	case watch.CARoots:
		return ask{
			path:   "/v1/agent/connect/ca/roots",
			blocks: true,
			needs:  "no right at all",
			decode: decodeRoots,
		}, true
	case watch.CALeaf:
		a := ask{
			path:   "/v1/agent/connect/ca/leaf/" + url.PathEscape(q.Service),
			blocks: true,
			needs:  fmt.Sprintf("service:write on %q", q.Service),
			decode: decodeLeaf,
		}
		if q.Service == "" {
			a.err = errors.New("a leaf certificate needs a service name")
		}
		return a, true
	case watch.Partitions:
		return ask{
			path:   "/v1/partitions",
			needs:  "operator:read",
			decode: decodePartitions,
		}, true
	case watch.Peerings:
		return ask{
			path:   "/v1/peerings",
			scope:  watch.Scope{Partition: q.Partition},
			blocks: true,
			needs:  "peering:read",
			decode: decodePeerings,
		}, true
	case watch.ExportedServices:
		return ask{
			path:   "/v1/exported-services",
			scope:  watch.Scope{Partition: q.Partition},
			blocks: true,
			needs:  "mesh:read",
			decode: decodeExported,
		}, true
	case watch.ImportedServices:
		return ask{
			path:   "/v1/imported-services",
			scope:  watch.Scope{Partition: q.Partition},
			blocks: true,
			needs:  "mesh:read",
			decode: decodeImported,
		}, true
	}
	return ask{}, false
}

type wireRoot struct {
	ID            string
	Name          string
	RootCert      string
	Active        bool
	NotBefore     *time.Time
	NotAfter      *time.Time
	DaysRemaining *int
	CreateIndex   uint64
	ModifyIndex   uint64
}

func (r wireRoot) root() watch.CARoot {
	return watch.CARoot{
		ID:            r.ID,
		Name:          r.Name,
		PEM:           r.RootCert,
		Active:        r.Active,
		NotBefore:     r.NotBefore,
		NotAfter:      r.NotAfter,
		DaysRemaining: r.DaysRemaining,
		CreateIndex:   r.CreateIndex,
		ModifyIndex:   r.ModifyIndex,
	}
}

func decodeRoots(body []byte) (any, int, error) {
	wire, err := decode[struct{ Roots []wireRoot }](body)
	if err != nil {
		return nil, 0, err
	}
	roots := make([]watch.CARoot, 0, len(wire.Roots))
	for _, r := range wire.Roots {
		roots = append(roots, r.root())
	}
	return roots, len(roots), nil
}

func decodeLeaf(body []byte) (any, int, error) {
	leaf, err := decode[*watch.LeafCertificate](body)
	if err == nil && leaf == nil {
		err = errors.New("the answer is null")
	}
	return leaf, 1, err
}

type wirePeering struct {
	ID                  string
	Name                string
	Partition           string
	Meta                map[string]string
	State               string
	PeerID              string
	PeerServerName      string
	PeerServerAddresses []string
	StreamStatus        watch.PeeringStream
	Remote              struct{ Partition, Datacenter string }
}

func (p wirePeering) peering() watch.Peering {
	return watch.Peering{
		ID:                  p.ID,
		Name:                p.Name,
		Partition:           p.Partition,
		Meta:                p.Meta,
		State:               p.State,
		PeerID:              p.PeerID,
		PeerServerName:      p.PeerServerName,
		PeerServerAddresses: p.PeerServerAddresses,
		Stream:              p.StreamStatus,
		RemotePartition:     p.Remote.Partition,
		RemoteDatacenter:    p.Remote.Datacenter,
	}
}

type wireExported struct {
	Service   string
	Consumers struct{ Peers, Partitions []string }
}

func (e wireExported) exported() watch.ExportedService {
	return watch.ExportedService{
		Service:    e.Service,
		Peers:      e.Consumers.Peers,
		Partitions: e.Consumers.Partitions,
	}
}

func decodePeerings(body []byte) (any, int, error) { return decodeList(body, wirePeering.peering) }
func decodeExported(body []byte) (any, int, error) { return decodeList(body, wireExported.exported) }

func decodePartitions(body []byte) (any, int, error) {
	return decodeList(body, func(p watch.Partition) watch.Partition { return p })
}

// decodeImported takes a list, or an object that holds it: versions differ.
func decodeImported(body []byte) (any, int, error) {
	same := func(s watch.ImportedService) watch.ImportedService { return s }
	if list, size, err := decodeList(body, same); err == nil {
		return list, size, nil
	}
	wire, err := decode[struct{ ImportedServices []watch.ImportedService }](body)
	if err != nil {
		return nil, 0, err
	}
	return append([]watch.ImportedService{}, wire.ImportedServices...), len(wire.ImportedServices), nil
}

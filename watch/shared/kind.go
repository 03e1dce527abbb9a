package shared

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/sluiceproxy/sluice/watch"
)

// kind is how queries of one type and their answers are written down.
type kind struct {
	query  func(json.RawMessage) (watch.Query, error)
	pack   func(answer any) (json.RawMessage, error)
	unpack func(json.RawMessage) (any, error)
}

// kinds are those of which all who ask get the same answer, and a harmless one.
// What depends on the host (its agent's node, its files) is not among them,
// nor are secrets: those of Vault, variables of Nomad, keys of the mesh.
var kinds = map[string]kind{
	name[watch.Services]():         plain[watch.Services, []watch.ServiceTags](),
	name[watch.Health]():           plain[watch.Health, []watch.Instance](),
	name[watch.Key]():              packed[watch.Key](packPair, unpackPair),
	name[watch.Prefix]():           packed[watch.Prefix](packPairs, unpackPairs),
	name[watch.Keys]():             plain[watch.Keys, []string](),
	name[watch.Nodes]():            plain[watch.Nodes, []watch.NodeInfo](),
	name[watch.Datacenters]():      plain[watch.Datacenters, []string](),
	name[watch.Partitions]():       plain[watch.Partitions, []watch.Partition](),
	name[watch.ExportedServices](): plain[watch.ExportedServices, []watch.ExportedService](),
	name[watch.ImportedServices](): plain[watch.ImportedServices, []watch.ImportedService](),
	name[watch.NomadServices]():    plain[watch.NomadServices, []watch.ServiceTags](),
	name[watch.NomadService]():     plain[watch.NomadService, []watch.NomadInstance](),
}

func name[Q watch.Query]() string { return reflect.TypeFor[Q]().Name() }

// Shareable reports whether every host gets the same answer to q, and may.
func Shareable(q watch.Query) bool {
	near := ""
	switch q := q.(type) {
	case watch.Health:
		near = q.Near
	case watch.Nodes:
		near = q.Near
	}
	const own = "_agent" // sorts by the distance from the host itself
	_, known := kinds[reflect.TypeOf(q).Name()]
	return known && near != own
}

// plain is a kind whose answers JSON can write as they are.
func plain[Q watch.For[A], A any]() kind {
	same := func(a A) A { return a }
	return packed[Q](same, same)
}

// packed is a kind whose answers are written as another type.
func packed[Q watch.For[A], A, W any](pack func(A) W, unpack func(W) A) kind {
	return kind{
		query: func(text json.RawMessage) (watch.Query, error) {
			var q Q
			err := json.Unmarshal(text, &q)
			return q, err
		},
		pack: func(answer any) (json.RawMessage, error) {
			a, ok := answer.(A)
			if !ok {
				return nil, fmt.Errorf("the answer is a %T", answer)
			}
			return json.Marshal(pack(a))
		},
		unpack: func(text json.RawMessage) (any, error) {
			var w W
			err := json.Unmarshal(text, &w)
			return unpack(w), err
		},
	}
}

// pair is a [watch.Pair] whose value may be any bytes, which a JSON string
// cannot hold.
type pair struct {
	watch.Pair
	Value []byte
}

func packPair(p *watch.Pair) *pair {
	if p == nil {
		return nil
	}
	return &pair{*p, []byte(p.Value)}
}

func unpackPair(p *pair) *watch.Pair {
	if p == nil {
		return nil
	}
	p.Pair.Value = string(p.Value)
	return &p.Pair
}

func packPairs(all []watch.Pair) []pair {
	if all == nil {
		return nil
	}
	out := make([]pair, len(all))
	for i := range all {
		out[i] = *packPair(&all[i])
	}
	return out
}

func unpackPairs(all []pair) []watch.Pair {
	if all == nil {
		return nil
	}
	out := make([]watch.Pair, len(all))
	for i := range all {
		out[i] = *unpackPair(&all[i])
	}
	return out
}

package consul

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sluiceproxy/sluice/watch"
)

// The types below hold of Consul's answers only what ours have: leaving out
// Proxy, Connect and the like takes 15 % less time than the
// API client's full types.

type wireEntry struct {
	Node    wireNode
	Service wireService
	Checks  []wireCheck
}

type wireNode struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	Meta            map[string]string
}

type wireService struct {
	ID                string
	Service           string
	Kind              string
	Tags              []string
	Meta              map[string]string
	Address           string
	TaggedAddresses   map[string]watch.ServiceAddress
	Port              int
	SocketPath        string
	Weights           watch.Weights
	EnableTagOverride bool
	Namespace         string
	Partition         string
	PeerName          string
	CreateIndex       uint64
	ModifyIndex       uint64
}

type wireCheck struct {
	Node        string
	CheckID     string
	Name        string
	Status      string
	Notes       string
	Output      string
	ServiceID   string
	ServiceName string
	ServiceTags []string
	Type        string
	Namespace   string
	Partition   string
	PeerName    string
	ExposedPort int
	Definition  wireDefinition
	CreateIndex uint64
	ModifyIndex uint64
}

type wirePair struct {
	Key         string
	Value       []byte // base64 on the wire
	Flags       uint64
	Session     string
	CreateIndex uint64
	ModifyIndex uint64
	LockIndex   uint64
}

func (n wireNode) info() watch.NodeInfo {
	return watch.NodeInfo{
		ID:              n.ID,
		Name:            n.Node,
		Address:         n.Address,
		Datacenter:      n.Datacenter,
		TaggedAddresses: n.TaggedAddresses,
		Meta:            n.Meta,
	}
}

func (s wireService) info() watch.ServiceInfo {
	return watch.ServiceInfo{
		ID:                s.ID,
		Name:              s.Service,
		Tags:              s.Tags,
		Meta:              s.Meta,
		Address:           s.Address,
		TaggedAddresses:   s.TaggedAddresses,
		Port:              s.Port,
		SocketPath:        s.SocketPath,
		Weights:           s.Weights,
		Kind:              s.Kind,
		EnableTagOverride: s.EnableTagOverride,
		Namespace:         s.Namespace,
		Partition:         s.Partition,
		Peer:              s.PeerName,
		CreateIndex:       s.CreateIndex,
		ModifyIndex:       s.ModifyIndex,
	}
}

func (c wireCheck) check() watch.Check {
	return watch.Check{
		Node:        c.Node,
		ID:          c.CheckID,
		Name:        c.Name,
		Status:      c.Status,
		Notes:       c.Notes,
		Output:      c.Output,
		ServiceID:   c.ServiceID,
		ServiceName: c.ServiceName,
		ServiceTags: c.ServiceTags,
		Type:        c.Type,
		Namespace:   c.Namespace,
		Partition:   c.Partition,
		Peer:        c.PeerName,
		ExposedPort: c.ExposedPort,
		Definition:  c.Definition.CheckDefinition,
		CreateIndex: c.CreateIndex,
		ModifyIndex: c.ModifyIndex,
	}
}

func (p wirePair) pair() watch.Pair {
	return watch.Pair{
		Key:         p.Key,
		Value:       string(p.Value),
		Flags:       p.Flags,
		Session:     p.Session,
		CreateIndex: p.CreateIndex,
		ModifyIndex: p.ModifyIndex,
		LockIndex:   p.LockIndex,
	}
}

// decode reads the whole body as one JSON value: a cut-off or longer one is no
// answer at all.
func decode[T any](body []byte) (T, error) {
	var v T
	if err := json.Unmarshal(body, &v); err != nil {
		var none T
		return none, fmt.Errorf("the answer is not the JSON expected: %w", err)
	}
	return v, nil
}

// decodeList is decode for lists, whose absence (no body) is the empty list.
func decodeList[Wire, A any](body []byte, convert func(Wire) A) (any, int, error) {
	list := []A{}
	if body == nil {
		return list, 0, nil
	}
	wire, err := decode[[]Wire](body)
	if err != nil {
		return nil, 0, err
	}
	list = slices.Grow(list, len(wire))
	for _, w := range wire {
		list = append(list, convert(w))
	}
	return list, len(list), nil
}

func instance(e wireEntry) watch.Instance {
	i := watch.Instance{Node: e.Node.info(), Service: e.Service.info()}
	if len(e.Checks) > 0 {
		i.Checks = make([]watch.Check, 0, len(e.Checks))
	}
	for _, c := range e.Checks {
		i.Checks = append(i.Checks, c.check())
	}
	return i
}

// errNull is of answers that Consul gives as empty lists: who says null instead knows
// nothing, and that is not to say that there is nothing.
var errNull = errors.New("the answer is null")

func isNull(body []byte) bool { return len(body) < 64 && string(bytes.TrimSpace(body)) == "null" }

func decodeHealth(body []byte) (any, int, error) {
	if isNull(body) {
		return nil, 0, errNull
	}
	if list, ok := scanHealth(body); ok {
		return list, len(list), nil
	}
	return decodeList(body, instance)
}

func decodePairs(body []byte) (any, int, error) { return decodeList(body, wirePair.pair) }
func decodeNodes(body []byte) (any, int, error) { return decodeList(body, wireNode.info) }

// decodeChecks reads a list of checks.
func decodeChecks(body []byte) ([]watch.Check, error) {
	if list, ok := scanChecks(body); ok {
		return list, nil
	}
	wire, err := decode[[]wireCheck](body)
	list := make([]watch.Check, 0, len(wire))
	for _, c := range wire {
		list = append(list, c.check())
	}
	return list, err
}

// decodeHost reads a node with a list of what is registered on it.
func decodeHost(body []byte) (watch.NodeServices, error) {
	if h, ok := scanHost(body); ok {
		return h, nil
	}
	wire, err := decode[struct {
		Node     wireNode
		Services []wireService
	}](body)
	h := watch.NodeServices{Node: wire.Node.info()}
	for _, s := range wire.Services {
		h.Services = append(h.Services, s.info())
	}
	return h, err
}

// decodeTags reads the names of services with their tags.
func decodeTags(body []byte) (map[string][]string, error) {
	if tags, ok := scanTags(body); ok {
		return tags, nil
	}
	return decode[map[string][]string](body)
}

func decodeKeys(body []byte) (any, int, error) {
	return decodeList(body, func(key string) string { return key })
}

func decodeKey(body []byte) (any, int, error) {
	if body == nil {
		return (*watch.Pair)(nil), 0, nil
	}
	pairs, err := decode[[]wirePair](body)
	if err != nil {
		return nil, 0, err
	}
	if len(pairs) != 1 {
		return nil, 0, fmt.Errorf("the answer for one key holds %d", len(pairs))
	}
	p := pairs[0].pair()
	return &p, 1, nil
}

// decodeServices sorts by name, since a JSON object has no order of its own,
// and sorts the tags, which Consul lists in random order: equal answers must
// look equal.
func decodeServices(body []byte) (any, int, error) {
	if isNull(body) {
		return nil, 0, errNull
	}
	wire, err := decodeTags(body)
	if err != nil {
		return nil, 0, err
	}
	list := make([]watch.ServiceTags, 0, len(wire))
	for name, tags := range wire {
		slices.Sort(tags)
		list = append(list, watch.ServiceTags{Name: name, Tags: tags})
	}
	slices.SortFunc(list, func(a, b watch.ServiceTags) int { return cmp.Compare(a.Name, b.Name) })
	return list, len(list), nil
}

// decodeNode answers nil for an unknown node, as Consul does. It counts the
// services: a node may be seen that hides them.
func decodeNode(body []byte) (any, int, error) {
	wire, err := decode[*struct {
		Node     *wireNode
		Services map[string]wireService
	}](body)
	if err != nil {
		return nil, 0, err
	}
	if wire == nil || wire.Node == nil {
		return (*watch.NodeServices)(nil), 0, nil
	}
	n := &watch.NodeServices{Node: wire.Node.info(), Services: make([]watch.ServiceInfo, 0, len(wire.Services))}
	for _, s := range wire.Services {
		n.Services = append(n.Services, s.info())
	}
	slices.SortFunc(n.Services, func(a, b watch.ServiceInfo) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return n, len(n.Services), nil
}

func decodePrepared(body []byte) (any, int, error) {
	wire, err := decode[*struct{ Nodes []wireEntry }](body)
	if err != nil {
		return nil, 0, err
	}
	if wire == nil {
		return nil, 0, errNull
	}
	list := make([]watch.Instance, 0, len(wire.Nodes))
	for _, e := range wire.Nodes {
		list = append(list, instance(e))
	}
	return list, len(list), nil
}

func decodeNames(body []byte) ([]string, error) { return decode[[]string](body) }

func decodeSelf(body []byte) (string, error) {
	wire, err := decode[struct{ Config struct{ NodeName string } }](body)
	if err == nil && wire.Config.NodeName == "" {
		err = errors.New("the agent does not tell its node's name")
	}
	return wire.Config.NodeName, err
}

package funcs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// Snippet is one line of the catalog's list of services.
type Snippet struct {
	Name string
	Tags Tags
}

// Node is one member of the cluster.
type Node struct {
	ID              string
	Node            string
	Address         string
	Datacenter      string
	TaggedAddresses map[string]string
	Meta            map[string]string
}

// CatalogNode is a node with its services. Node is nil when no node has the
// name asked for.
type CatalogNode struct {
	Node     *Node
	Services []*NodeService
}

// NodeService is one registration on a node.
type NodeService struct {
	ID                string
	Service           string
	Tags              Tags
	Meta              map[string]string
	Port              int
	Address           string
	EnableTagOverride bool
}

// services lists all services by name.
func (b *Binding) services(args ...string) ([]*Snippet, error) {
	text := strings.Join(args, "") // as consul-template has it
	q, err := parseServicesQuery(text)
	if err != nil {
		return nil, malformed("services", text, servicesGrammar, err)
	}
	answer, _ := recall(b, q)
	snippets := make([]*Snippet, 0, len(answer))
	for _, s := range answer {
		snippets = append(snippets, &Snippet{Name: s.Name, Tags: newTags(s.Tags)})
	}
	slices.SortStableFunc(snippets, func(a, b *Snippet) int { return cmp.Compare(a.Name, b.Name) })
	return snippets, nil
}

// nodes lists all nodes by name, then address; with ~near by distance.
func (b *Binding) nodes(args ...string) ([]*Node, error) {
	text := strings.Join(args, "") // as consul-template has it
	q, err := parseNodesQuery(text)
	if err != nil {
		return nil, malformed("nodes", text, nodesGrammar, err)
	}
	answer, _ := recall(b, q)
	nodes := make([]*Node, 0, len(answer))
	for _, n := range answer {
		nodes = append(nodes, newNode(n))
	}
	if q.Near == "" {
		slices.SortStableFunc(nodes, func(a, b *Node) int {
			return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.Address, b.Address))
		})
	}
	return nodes, nil
}

// node returns one node with its services, nil until an answer has come. An
// unknown node is not nil but an empty value, as templates rely on.
func (b *Binding) node(args ...string) (*CatalogNode, error) {
	text := strings.Join(args, "") // as consul-template has it
	q, err := parseNodeQuery(text)
	if err != nil {
		return nil, malformed("node", text, nodeGrammar, err)
	}
	answer, known := recall(b, q)
	switch {
	case !known:
		return nil, nil
	case answer == nil:
		return &CatalogNode{}, nil
	}
	return newCatalogNode(answer), nil
}

// datacenters lists the known datacenters; true leaves out those that do not
// answer.
func (b *Binding) datacenters(reachable ...bool) ([]string, error) {
	if len(reachable) > 1 {
		return nil, fmt.Errorf("datacenters: %d arguments given, want at most 1", len(reachable))
	}
	q := watch.Datacenters{Reachable: len(reachable) == 1 && reachable[0]}
	answer, _ := recall(b, q)
	return slices.Sorted(slices.Values(answer)), nil
}

func newNode(n watch.NodeInfo) *Node {
	return &Node{
		ID:              n.ID,
		Node:            n.Name,
		Address:         n.Address,
		Datacenter:      n.Datacenter,
		TaggedAddresses: n.TaggedAddresses,
		Meta:            n.Meta,
	}
}

func newCatalogNode(n *watch.NodeServices) *CatalogNode {
	c := &CatalogNode{Node: newNode(n.Node), Services: make([]*NodeService, 0, len(n.Services))}
	for _, s := range n.Services {
		c.Services = append(c.Services, &NodeService{
			ID:                s.ID,
			Service:           s.Name,
			Tags:              newTags(s.Tags),
			Meta:              s.Meta,
			Port:              s.Port,
			Address:           s.Address,
			EnableTagOverride: s.EnableTagOverride,
		})
	}
	slices.SortStableFunc(c.Services, func(a, b *NodeService) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
	return c
}

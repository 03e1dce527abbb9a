package funcs

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// HealthService is one instance as "service" and "connect" give it. The order
// of the fields is that of its JSON form.
type HealthService struct {
	Node                   string
	NodeID                 string
	NodeAddress            string
	NodeTaggedAddresses    map[string]string
	NodeMeta               map[string]string
	ServiceMeta            map[string]string
	Address                string // the service's own, else the node's
	ServiceTaggedAddresses map[string]ServiceAddress
	ID                     string
	Name                   string
	Tags                   Tags
	Checks                 HealthChecks
	Status                 string // the worst of the checks
	Port                   int
	Weights                Weights
}

// ServiceAddress is one of an instance's named addresses.
type ServiceAddress struct {
	Address string
	Port    int
}

// Weights are an instance's weights while it passes and while it warns.
type Weights struct {
	Passing int
	Warning int
}

// Tags is a sorted list of tags. It prints as [a b].
type Tags []string

// Contains reports whether tag is one of them.
func (t Tags) Contains(tag string) bool { return slices.Contains(t, tag) }

func newTags(tags []string) Tags {
	t := append(Tags{}, tags...)
	slices.Sort(t)
	return t
}

// service "[tag.]name?query@dc~near|filter", or with the filter as a second
// argument.
func (b *Binding) service(args ...string) ([]*HealthService, error) {
	return b.health("service", false, args)
}

func (b *Binding) connect(args ...string) ([]*HealthService, error) {
	return b.health("connect", true, args)
}

func (b *Binding) health(function string, connect bool, args []string) ([]*HealthService, error) {
	if len(args) == 0 || args[0] == "" {
		return []*HealthService{}, nil // not nil, which is null in JSON
	}
	text := strings.Join(args, string(markFilter))
	q, err := parseHealthQuery(text)
	if err != nil {
		return nil, malformed(function, text, healthGrammar, err)
	}
	q.Connect = connect
	return b.instances(q), nil
}

func (b *Binding) instances(q healthQuery) []*HealthService {
	e, _ := b.inputs.Snapshot.Entry(q.Health)
	b.record(q.Health, !e.Known)
	return slices.Clone(b.inputs.Memory.services(q, e)) // a template may well sort it
}

// services are the instances that q wants, by node and ID or, with ~near, by
// distance.
func (q healthQuery) services(instances []watch.Instance) []*HealthService {
	services := make([]*HealthService, 0, len(instances))
	for _, instance := range instances {
		if q.wants(instance.Status()) {
			services = append(services, newHealthService(instance))
		}
	}
	if q.Near == "" {
		slices.SortStableFunc(services, func(a, b *HealthService) int {
			return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.ID, b.ID))
		})
	}
	return services
}

func newHealthService(i watch.Instance) *HealthService {
	s := &HealthService{
		Node:                i.Node.Name,
		NodeID:              i.Node.ID,
		NodeAddress:         i.Node.Address,
		NodeTaggedAddresses: i.Node.TaggedAddresses,
		NodeMeta:            i.Node.Meta,
		ServiceMeta:         i.Service.Meta,
		Address:             i.Address(),
		ID:                  i.Service.ID,
		Name:                i.Service.Name,
		Tags:                newTags(i.Service.Tags),
		Checks:              make(HealthChecks, 0, len(i.Checks)),
		Status:              i.Status(),
		Port:                i.Service.Port,
		Weights:             Weights(i.Service.Weights),
	}
	if len(i.Service.TaggedAddresses) > 0 {
		s.ServiceTaggedAddresses = make(map[string]ServiceAddress)
	}
	for name, address := range i.Service.TaggedAddresses {
		s.ServiceTaggedAddresses[name] = ServiceAddress(address)
	}
	for _, c := range i.Checks {
		s.Checks = append(s.Checks, newHealthCheck(c))
	}
	return s
}

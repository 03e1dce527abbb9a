package lb

import (
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/lb/target"
	"github.com/sluiceproxy/sluice/watch"
)

// Definitions are what tables are made of at the moment: what the configuration
// and the tags of each service ask for, whether it can be served or not. They are
// read anew for each call, and belong to the caller.
func (s *Server) Definitions() []tags.Definition {
	return definitions(*s.tableOptions.Load(), s.watcher.Snapshot())
}

func definitions(o Options, s *watch.Snapshot) []tags.Definition {
	b := NewBuilder(o, nil) // which links nothing
	b.readManual(s)
	b.follow(s)
	all := []tags.Definition{o.Static}
	for _, name := range b.roster.Names() {
		d := b.services[name].whole(name)
		d.Problems = b.problems.of[owner{"service", nameOf("", name)}]
		all = append(all, d)
	}
	return all
}

// ServicePool is the pool of a service, as routes have it.
type ServicePool struct {
	Network string // "tcp" or "udp" for connections or datagrams, else empty
	Dialect tags.Dialect
	Service string // as [Route.ServiceName] has it
	Pool    *target.Pool
}

// ServicePools lists the pools of the table; one may be there more than once.
func (t *Table) ServicePools() (all []ServicePool) {
	for _, r := range t.Routes() {
		for way := range r.everyWay {
			all = append(all, ServicePool{Dialect: r.Dialect, Service: way.ServiceName(), Pool: way.Pool})
		}
	}
	for _, r := range t.TCPRoutes() {
		network := "tcp"
		if r.UDP {
			network = "udp"
		}
		for _, part := range append([]*passagePool{{service: r.TCPRoute.Pool, Pool: r.Pool}}, r.parts...) {
			name := plainPool(part.service)
			if r.Dialect == tags.Fabio {
				name = r.Service
			}
			all = append(all, ServicePool{network, r.Dialect, name, part.Pool})
		}
	}
	return all
}

// PoolService is what a declared pool is called as a service, and its network as
// that of a [ServicePool].
func PoolService(p *tags.Pool) (network, name string) {
	if len(p.Endpoints) > 0 {
		switch scheme := p.Endpoints[0].Scheme; scheme {
		case "tcp", "tls":
			network = "tcp"
		case "udp":
			network = scheme
		}
	}
	name = plainPool(p.Name)
	if root := p.Name[:len(p.Name)-len(name)]; root != "" {
		network = root[:len(root)-1]
	}
	if p.Dialect == tags.Fabio {
		name = p.Service
	}
	return network, name
}

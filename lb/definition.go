package lb

import (
	"errors"

	"github.com/sluiceproxy/sluice/lb/roster"
	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// definition is a [tags.Definition] as it is kept: most have routes and pools and
// nothing else.
type definition struct {
	routes []tags.Route
	pools  []tags.Pool
	rest   *tags.Definition // nil for nothing
}

func keptDefinition(d tags.Definition) definition {
	kept := definition{routes: d.Routes, pools: d.Pools}
	if len(d.TCPRoutes)+len(d.Middlewares)+len(d.TCPMiddlewares)+len(d.Aliases) > 0 {
		kept.rest = &d
	}
	return kept
}

// whole is the definition of the service of that name, without its problems.
func (k *definition) whole(service string) (d tags.Definition) {
	if k.rest != nil {
		d = *k.rest
	}
	d.Service, d.Routes, d.Pools, d.Problems = service, k.routes, k.pools, nil
	return d
}

// unreadable tells why there is no answer, if it is known.
func unreadable(service string, err error) []tags.Problem {
	switch {
	case errors.Is(err, watch.ErrDenied):
		return []tags.Problem{{
			Service: service, Offset: -1,
			Reason: "its instances cannot be read: permission denied",
			Hint:   "the token needs service:read and node:read",
		}}
	case errors.Is(err, watch.ErrInvalid):
		return []tags.Problem{{
			Service: service, Offset: -1,
			Reason: "its instances cannot be read: " + err.Error(),
			Hint:   "Consul takes no question for such a name: register it under another",
		}}
	case err != nil:
		return []tags.Problem{{
			Service: service, Offset: -1,
			Reason: "its instances cannot be read: " + err.Error(),
			Hint:   "it is asked for again",
		}}
	}
	return nil
}

// instances leaves out what is no ordinary service: the proxies of a mesh often
// have the tags of the service they stand before.
func (b *Builder) instances(all []watch.Instance) []tags.Instance {
	instances, serving := make([]tags.Instance, 0, len(all)), b.serving()
	for _, i := range all {
		if i.Service.Kind != "" {
			continue
		}
		instances = append(instances, tags.Instance{
			ID:         i.Service.ID,
			Node:       i.Node.Name,
			Datacenter: i.Node.Datacenter,
			Namespace:  i.Service.Namespace,
			Address:    i.Address(),
			Port:       i.Service.Port,
			Socket:     i.Service.SocketPath,
			Tags:       i.Service.Tags,
			Meta:       i.Service.Meta,
			Zone:       b.Locality.zoneOf(&i),
			Weight:     roster.Weight(&i),
			Serving:    serving.Serves(&i),
			Retired:    i.Status() == watch.Maintenance,
			Registered: i.Service.ModifyIndex,
		})
	}
	return instances
}

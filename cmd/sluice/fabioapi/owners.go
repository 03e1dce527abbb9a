package fabioapi

import (
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/lb/tags"
	"github.com/sluiceproxy/sluice/watch"
)

// routeOwner is whose a target is: of what service, and with what tags beside those
// that route.
type routeOwner struct {
	service string
	tags    []string
}

// routeOwners know those of instances, and of what manual routes add, which have no
// node and go by source and address.
type routeOwners struct {
	instances map[tags.Owner]watch.ServiceInfo
	manual    map[[2]string]routeOwner
	prefix    string
}

func newOwners(prefix, text string, pairs []watch.Pair, s *watch.Snapshot) routeOwners {
	o := routeOwners{map[tags.Owner]watch.ServiceInfo{}, map[[2]string]routeOwner{}, prefix}
	for q, entry := range s.All {
		if _, ok := q.(watch.Health); !ok {
			continue
		}
		all, _ := entry.Value.([]watch.Instance)
		for _, i := range all {
			o.instances[tags.Owner{Node: i.Node.Name, Instance: i.Service.ID}] = i.Service
		}
	}
	o.read(text)
	for _, p := range pairs {
		o.read(p.Value)
	}
	return o
}

// read takes in the routes that a text adds.
func (o routeOwners) read(text string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 5 || words[0] != "route" || words[1] != "add" {
			continue
		}
		host, path := HostPath(words[3])
		if path == "" && !strings.Contains(host, ":") {
			path = "/"
		}
		address := words[4]
		if u, err := url.Parse(address); err == nil && !strings.Contains(line, "redirect=") {
			address = u.Host
		}
		owner := routeOwner{service: words[2]}
		if list := quotedAfter(line, " tags "); strings.Contains(line, " tags ") && list != "" {
			owner.tags = strings.Split(list, ",")
		}
		o.manual[[2]string{strings.ToLower(host) + path, address}] = owner
	}
}

func (o routeOwners) of(src string, e tags.Endpoint) routeOwner {
	if e.Node == "" {
		return o.manual[[2]string{src, e.Address}]
	}
	info := o.instances[tags.Owner{Node: e.Node, Instance: e.Instance}]
	owner := routeOwner{service: info.Name}
	for _, tag := range info.Tags {
		if tag = strings.TrimSpace(tag); !strings.HasPrefix(tag, o.prefix) {
			owner.tags = append(owner.tags, tag)
		}
	}
	return owner
}

package consul

import (
	"bytes"

	"github.com/sluiceproxy/sluice/watch"
)

// The functions below read with a scanner what decode.go reads with
// encoding/json, which is asked where they find anything unusual.

// The names of the fields are those of the wire types of decode.go.
var (
	hostFields    = []string{"Node", "Services"}
	entryFields   = []string{"Node", "Service", "Checks"}
	nodeFields    = []string{"ID", "Node", "Address", "Datacenter", "TaggedAddresses", "Meta"}
	serviceFields = []string{
		"ID", "Service", "Kind", "Tags", "Meta", "Address", "TaggedAddresses", "Port", "SocketPath",
		"Weights", "EnableTagOverride", "Namespace", "Partition", "PeerName", "CreateIndex", "ModifyIndex",
	}
	checkFields = []string{
		"Node", "CheckID", "Name", "Status", "Notes", "Output", "ServiceID", "ServiceName", "ServiceTags", "Type",
		"Namespace", "Partition", "PeerName", "ExposedPort", "Definition", "CreateIndex", "ModifyIndex",
	}
	addressFields = []string{"Address", "Port"}
	weightFields  = []string{"Passing", "Warning"}
)

// scanHealth reads the instances of a service; ok is false where encoding/json
// has to.
func scanHealth(body []byte) (list []watch.Instance, ok bool) {
	s := newScanner(body)
	list = []watch.Instance{}
	s.array(func() {
		var i watch.Instance
		s.instance(&i)
		list = append(list, i)
	})
	return list, s.end()
}

// scanChecks reads a list of checks.
func scanChecks(body []byte) (list []watch.Check, ok bool) {
	s := newScanner(body)
	list = make([]watch.Check, 0, bytes.Count(body, []byte(`"CheckID":`))) // it may be long
	s.checks(&list)
	return list, s.end()
}

// scanHost reads a node with what is registered on it.
func scanHost(body []byte) (h watch.NodeServices, ok bool) {
	s := newScanner(body)
	s.object(func(key []byte) {
		switch string(key) {
		case "Node":
			s.node(&h.Node)
		case "Services":
			s.fresh(h.Services == nil)
			h.Services = make([]watch.ServiceInfo, 0, bytes.Count(body, []byte(`"Weights":`)))
			s.array(func() {
				h.Services = append(h.Services, watch.ServiceInfo{})
				s.service(&h.Services[len(h.Services)-1])
			})
		default:
			s.other(key, hostFields)
		}
	})
	return h, s.end()
}

// scanTags reads the names of services with their tags.
func scanTags(body []byte) (tags map[string][]string, ok bool) {
	s := newScanner(body)
	tags = map[string][]string{}
	s.object(func(key []byte) {
		name := string(key)
		var list []string
		s.texts(&list)
		tags[name] = list
	})
	return tags, s.end()
}

func (s *scanner) instance(i *watch.Instance) {
	s.object(func(key []byte) {
		switch string(key) {
		case "Node":
			s.node(&i.Node)
		case "Service":
			s.service(&i.Service)
		case "Checks":
			s.fresh(i.Checks == nil)
			s.checks(&i.Checks)
		default:
			s.other(key, entryFields)
		}
	})
}

// checks appends a list of checks.
func (s *scanner) checks(to *[]watch.Check) {
	s.array(func() {
		*to = append(*to, watch.Check{})
		s.check(&(*to)[len(*to)-1])
	})
}

func (s *scanner) node(n *watch.NodeInfo) {
	s.object(func(key []byte) {
		switch string(key) {
		case "ID":
			s.text(&n.ID)
		case "Node":
			s.text(&n.Name)
		case "Address":
			s.text(&n.Address)
		case "Datacenter":
			s.text(&n.Datacenter)
		case "TaggedAddresses":
			s.dictionary(&n.TaggedAddresses)
		case "Meta":
			s.dictionary(&n.Meta)
		default:
			s.other(key, nodeFields)
		}
	})
}

func (s *scanner) service(i *watch.ServiceInfo) {
	s.object(func(key []byte) {
		switch string(key) {
		case "ID":
			s.text(&i.ID)
		case "Service":
			s.text(&i.Name)
		case "Kind":
			s.text(&i.Kind)
		case "Tags":
			s.texts(&i.Tags)
		case "Meta":
			s.dictionary(&i.Meta)
		case "Address":
			s.text(&i.Address)
		case "TaggedAddresses":
			s.addresses(&i.TaggedAddresses)
		case "Port":
			s.integer(&i.Port)
		case "SocketPath":
			s.text(&i.SocketPath)
		case "Weights":
			s.weights(&i.Weights)
		case "EnableTagOverride":
			s.boolean(&i.EnableTagOverride)
		case "Namespace":
			s.text(&i.Namespace)
		case "Partition":
			s.text(&i.Partition)
		case "PeerName":
			s.text(&i.Peer)
		case "CreateIndex":
			s.index(&i.CreateIndex)
		case "ModifyIndex":
			s.index(&i.ModifyIndex)
		default:
			s.other(key, serviceFields)
		}
	})
}

func (s *scanner) check(c *watch.Check) {
	s.object(func(key []byte) {
		switch string(key) {
		case "Node":
			s.text(&c.Node)
		case "CheckID":
			s.text(&c.ID)
		case "Name":
			s.text(&c.Name)
		case "Status":
			s.text(&c.Status)
		case "Notes":
			s.text(&c.Notes)
		case "Output":
			s.text(&c.Output)
		case "ServiceID":
			s.text(&c.ServiceID)
		case "ServiceName":
			s.text(&c.ServiceName)
		case "ServiceTags":
			s.texts(&c.ServiceTags)
		case "Type":
			s.text(&c.Type)
		case "Namespace":
			s.text(&c.Namespace)
		case "Partition":
			s.text(&c.Partition)
		case "PeerName":
			s.text(&c.Peer)
		case "ExposedPort":
			s.integer(&c.ExposedPort)
		case "Definition":
			s.definition(c)
		case "CreateIndex":
			s.index(&c.CreateIndex)
		case "ModifyIndex":
			s.index(&c.ModifyIndex)
		default:
			s.other(key, checkFields)
		}
	})
}

// definition leaves the rare one that says anything to encoding/json.
func (s *scanner) definition(c *watch.Check) {
	raw := s.raw()
	var d wireDefinition
	if s.fault || bytes.Equal(raw, []byte("{}")) {
		return
	}
	s.fresh(d.UnmarshalJSON(raw) == nil && c.Definition == nil)
	c.Definition = d.CheckDefinition
}

func (s *scanner) weights(w *watch.Weights) {
	s.object(func(key []byte) {
		switch string(key) {
		case "Passing":
			s.integer(&w.Passing)
		case "Warning":
			s.integer(&w.Warning)
		default:
			s.other(key, weightFields)
		}
	})
}

func (s *scanner) addresses(to *map[string]watch.ServiceAddress) {
	s.fresh(*to == nil)
	if s.peek() == '{' {
		*to = map[string]watch.ServiceAddress{}
	}
	s.object(func(key []byte) {
		var a watch.ServiceAddress
		s.object(func(key []byte) {
			switch string(key) {
			case "Address":
				s.text(&a.Address)
			case "Port":
				s.integer(&a.Port)
			default:
				s.other(key, addressFields)
			}
		})
		(*to)[s.intern(key)] = a
	})
}

func (s *scanner) dictionary(to *map[string]string) {
	s.fresh(*to == nil)
	if s.peek() == '{' {
		*to = map[string]string{}
	}
	s.object(func(key []byte) {
		name := s.intern(key)
		var value string
		s.text(&value)
		(*to)[name] = value
	})
}

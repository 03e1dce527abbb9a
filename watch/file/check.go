package file

import "github.com/sluiceproxy/sluice/watch"

// checkTypes is which key makes which type of check. The first that is set
// decides, in Consul's order.
var checkTypes = []struct{ key, kind string }{
	{"grpc", "grpc"},
	{"http", "http"},
	{"ttl", "ttl"},
	{"tcp", "tcp"},
	{"udp", "udp"},
	{"alias_node", "alias"},
	{"alias_service", "alias"},
	{"docker_container_id", "docker"},
	{"args", "script"},
	{"script_args", "script"},
	{"h2ping", "h2ping"},
	{"os_service", "os_service"},
}

func (d *decoder) check(v value) watch.Check {
	var c watch.Check
	set := map[string]bool{}
	for m := range d.members(v, "a check", checkKeys) {
		set[m.key] = true
		switch m.key {
		case "id", "check_id":
			c.ID = d.text(m)
		case "name":
			c.Name = d.text(m)
		case "notes":
			c.Notes = d.text(m)
		case "service_id":
			c.ServiceID = d.text(m)
		case "status":
			c.Status = d.status(m)
		}
	}
	for _, t := range checkTypes {
		if set[t.key] {
			c.Type = t.kind
			break
		}
	}
	if c.Status == "" {
		c.Status = defaultStatus(c.ID)
	}
	return c
}

func (d *decoder) status(m member) string {
	status := d.text(m)
	switch status {
	case "", watch.Passing, watch.Warning, watch.Critical:
	default:
		if _, isText := m.data.(string); isText {
			d.fault(m.value.line, "status must be passing, warning or critical, not %q", status)
		}
	}
	return status
}

// The checks `consul maint` makes are critical from the start.
func defaultStatus(id string) string {
	if watch.AggregateStatus([]watch.Check{{ID: id}}) == watch.Maintenance {
		return watch.Critical
	}
	return watch.Passing
}

// attach makes c a check of s.
func attach(c *watch.Check, s watch.ServiceInfo) {
	c.ServiceID, c.ServiceName, c.ServiceTags = s.ID, s.Name, s.Tags
	if c.Name == "" {
		c.Name = "Service '" + s.Name + "' check"
	}
}

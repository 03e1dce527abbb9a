package migrate

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
)

// service gives a route its service of http.services: what that says if it has
// servers, and else its name.
func (m *migration) service(t *tree, r *config.StaticRoute, name string) error {
	hasOwn := t.has("http.services." + name + ".middlewares") // which only a stanza has
	if kind := composedKind(t, name); (kind != "" || hasOwn) && !strings.Contains(name, "@") {
		r.Service = name
		return m.declare(t, name)
	}
	if strings.EqualFold(name, "noop@internal") || strings.EqualFold(name, "ping@internal") {
		r.Service = name
		return nil
	}
	var s config.StaticService
	if err := m.servers(t, &s, name); err != nil {
		return err
	}
	r.Targets, r.LoadBalancer, r.PassHost = s.Targets, s.LoadBalancer, s.PassHost
	r.Transport = s.Transport
	return nil
}

// composedKind is how a service is composed of others, empty if it is not.
func composedKind(t *tree, name string) string {
	for _, kind := range []string{"weighted", "highestRandomWeight", "mirroring", "failover"} {
		if t.has("http.services." + name + "." + kind) {
			return kind
		}
	}
	return ""
}

// part has a service stanza stand for what a middleware or another service names.
func (m *migration) part(t *tree, name *string) error {
	*name = fileName(*name)
	if strings.HasSuffix(*name, "@consulcatalog") {
		return nil
	}
	return m.declare(t, *name)
}

// declare takes over a service of http.services, with those that it is composed
// of. Nothing is left of it after an error.
func (m *migration) declare(t *tree, name string) error {
	if slices.ContainsFunc(m.Services, func(s config.StaticService) bool { return strings.EqualFold(s.Name, name) }) {
		return nil
	}
	before, at := len(m.Services), "http.services."+name
	var s config.StaticService
	s.SetDefaults(t.place(at))
	s.Name = name
	m.Services = append(m.Services, s) // now, as it may be a part of itself
	s.Middlewares = fileNames(t.list(at + ".middlewares"))
	err := m.fill(t, &s, composedKind(t, name))
	if err == nil {
		err = t.nothingLeft(at)
	}
	if err != nil {
		m.Services = m.Services[:before]
		return err
	}
	m.Services[before] = s
	m.comment("service."+name, "%s", m.origin(t, at))
	return nil
}

// otherServices takes over those of http.services that no router of the file uses:
// tags may name them.
func (m *migration) otherServices(t *tree) {
	for _, name := range t.names("http.services") {
		at := "http.services." + name
		if !t.isTouched(at) {
			if err := m.declare(t, name); err != nil {
				m.note(t, at, fmt.Sprintf("service %s is left out: %v", name, err))
			}
		}
		t.take(at) // what routers use of it is told there
	}
}

func (m *migration) fill(t *tree, s *config.StaticService, kind string) error {
	into := map[string]*config.Composed{"weighted": &s.Weighted, "highestRandomWeight": &s.Highest, "mirroring": &s.Mirroring, "failover": &s.Failover}[kind]
	if into == nil {
		return m.servers(t, s, s.Name)
	}
	at := "http.services." + s.Name + "." + kind
	if v := t.find(at + ".healthCheck"); v != nil && v.value == nil {
		v.value = true // an empty table switches it on
	}
	err := into.UnmarshalObject(t.object(at))
	if err == nil {
		err = into.Spec.Validate()
	}
	if f, ok := errors.AsType[*hcl.Fault](err); ok {
		err = errors.New(f.Text)
	}
	if err != nil {
		return fmt.Errorf("the service %s: %s", s.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	for _, name := range into.Spec.Names() {
		if err := m.part(t, name); err != nil {
			return err
		}
	}
	return nil
}

// servers takes over a service that has servers of its own.
func (m *migration) servers(t *tree, s *config.StaticService, name string) error {
	at := "http.services." + name + ".loadBalancer"
	switch {
	case strings.Contains(name, "@"):
		return fmt.Errorf("the service %s is not of the file", name)
	case t.count(at+".servers") == 0:
		return fmt.Errorf("there is no service %q with servers", name)
	}
	for i := range t.count(at + ".servers") {
		server := fmt.Sprintf("%s.servers[%d]", at, i)
		target := t.text(server + ".url")
		if !t.is(server + ".preservePath") { // else it has no effect
			target = withoutPath(target)
		}
		target = strings.TrimRight(target, "/")
		if weight := t.text(server + ".weight"); weight != "" && weight != "1" {
			target += " weight=" + weight
		}
		s.Targets = append(s.Targets, target)
	}
	if t.text(at+".passHostHeader") == "false" {
		s.PassHost = config.Some(false)
	}
	var err error
	if s.Transport, err = m.transportNamed(t.text(at + ".serversTransport")); err != nil {
		return err
	}
	t.take(at + ".responseForwarding")
	var o hcl.Object
	for _, key := range []string{"strategy", "sticky", "healthCheck", "passiveHealthCheck"} {
		if path := hcl.Join(at, key); t.has(path) {
			v := hcl.Node{Value: t.object(path)}
			if value := t.find(path); value != nil && value.value != nil {
				v.Value = t.text(path)
			}
			o = append(o, hcl.Member{Key: key, Pos: t.place(path), Value: v})
		}
	}
	if len(o) == 0 {
		return nil
	}
	return s.LoadBalancer.UnmarshalObject(o)
}

// withoutPath cuts the path off a URL.
func withoutPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Path, u.RawPath = "", ""
	return u.String()
}

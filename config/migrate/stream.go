package migrate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// streams takes over the routers of connections or datagrams of a file, with their
// services. root is "tcp" or "udp".
func (m *migration) streams(t *tree, root string) {
	for _, name := range t.names(root + ".routers") {
		at := root + ".routers." + name
		r := config.StaticStream{Origin: t.origin(at), Name: name, Rule: t.text(at + ".rule"), Entrypoints: t.list(at + ".entryPoints")}
		r.Priority, _ = strconv.Atoi(t.text(at + ".priority"))
		if t.has(at+".tls") && t.text(at+".tls") != "false" {
			r.TLS = "terminate"
			if t.is(at + ".tls.passthrough") {
				r.TLS = "passthrough"
			}
			r.TLSOptions = fileName(t.text(at + ".tls.options"))
			r.CertResolver = m.routersResolver(t, at+".tls")
		}
		if syntax := at + ".ruleSyntax"; t.has(syntax) && t.text(syntax) != "v3" {
			m.note(t, syntax, syntax+" is left out: rules of connections are read as those of v3")
		}
		r.Middlewares = fileNames(t.list(at + ".middlewares"))
		err := m.streamService(t, &r, root, fileName(t.text(at+".service")))
		if err == nil {
			err = t.nothingLeft(at)
		}
		if err == nil {
			_, _, err = tags.Static{Streams: []tags.StaticStream{r.Static(nil, root == "udp")}}.Definition(nil)
		}
		if err != nil {
			m.note(t, at, fmt.Sprintf("%s router %s is left out: %v", root, name, err))
			t.take(at)
			continue
		}
		m.comment(root+"_route."+name, "%s", m.origin(t, at))
		if root == "udp" {
			m.UDPRoutes = append(m.UDPRoutes, r)
		} else {
			m.TCPRoutes = append(m.TCPRoutes, r)
		}
	}
	t.take(root + ".services") // what routers use of them is told there
}

// streamListeners has listeners pass connections on that only routes of connections
// name, in whichever file.
func (m *migration) streamListeners() {
	for _, r := range m.TCPRoutes {
		for _, name := range r.Entrypoints {
			l := m.listenerNamed(name)
			isOfRequests := slices.ContainsFunc(m.Routes, func(r config.StaticRoute) bool { return slices.Contains(r.Entrypoints, name) })
			if l != nil && !isOfRequests && l.Option("proto") == "" {
				l.Text += ";proto=" + listener.ProtoTCP
			}
		}
	}
}

// streamService gives a route its service: what that says if it has servers, and else
// its name.
func (m *migration) streamService(t *tree, r *config.StaticStream, root, name string) error {
	if t.has(root + ".services." + name + ".weighted") {
		r.Service = name
		return m.declareStream(t, root, name)
	}
	var s config.StreamService
	if err := m.streamServers(t, &s, root, name); err != nil {
		return err
	}
	r.Targets, r.TargetTLS, r.Transport, r.ProxyProtocol, r.Health = s.Targets, s.TargetTLS, s.Transport, s.ProxyProtocol, s.Health
	return nil
}

// declareStream takes over a service, with those that it is composed of.
func (m *migration) declareStream(t *tree, root, name string) error {
	into := &m.TCPServices
	if root == "udp" {
		into = &m.UDPServices
	}
	if slices.ContainsFunc(*into, func(s config.StreamService) bool { return strings.EqualFold(s.Name, name) }) {
		return nil
	}
	at, before := root+".services."+name, len(*into)
	var s config.StreamService
	s.SetDefaults(t.place(at))
	s.Name = name
	*into = append(*into, s) // now, as it may be a part of itself
	err := m.fillStream(t, &s, root)
	if err != nil {
		*into = (*into)[:before]
		return err
	}
	(*into)[before] = s
	m.comment(root+"_service."+name, "%s", m.origin(t, at))
	return nil
}

func (m *migration) fillStream(t *tree, s *config.StreamService, root string) error {
	at := root + ".services." + s.Name
	if !t.has(at + ".weighted") {
		return m.streamServers(t, s, root, s.Name)
	}
	if v := t.find(at + ".weighted.healthCheck"); v != nil && v.value == nil {
		v.value = true // an empty table switches it on
	}
	err := s.Weighted.UnmarshalObject(t.object(at + ".weighted"))
	if err == nil {
		err = s.Weighted.Spec.Validate()
	}
	if err != nil {
		return fmt.Errorf("the service %s: %s", s.Name, strings.ReplaceAll(plainFault(err).Error(), "\n", "; "))
	}
	for _, name := range s.Weighted.Spec.Names() {
		if *name = fileName(*name); strings.HasSuffix(*name, "@consulcatalog") {
			continue
		}
		if err := m.declareStream(t, root, *name); err != nil {
			return err
		}
	}
	return t.nothingLeft(at)
}

// plainFault is an error without the place it has in what is made of the file.
func plainFault(err error) error {
	if f, ok := errors.AsType[*hcl.Fault](err); ok {
		return errors.New(f.Text)
	}
	return err
}

// tcpMiddleware takes over one of tcp.middlewares.
func (m *migration) tcpMiddleware(t *tree, name string) {
	at := "tcp.middlewares." + name
	made := config.TCPMiddleware{Origin: t.origin(at), Name: name}
	err := made.UnmarshalObject(t.object(at))
	if err == nil {
		err = made.Spec.Validate()
	}
	if err != nil {
		m.note(t, at, fmt.Sprintf("%s: %v; routes that use it are left out", at, plainFault(err)))
		return
	}
	m.comment("tcp_middleware."+name, "%s", m.origin(t, at))
	m.TCPMiddlewares = append(m.TCPMiddlewares, made)
}

// finishStreams leaves out routes without a middleware they name.
func (m *migration) finishStreams() {
	m.TCPRoutes = slices.DeleteFunc(m.TCPRoutes, func(r config.StaticStream) bool {
		i := slices.IndexFunc(r.Middlewares, func(name string) bool {
			return !strings.Contains(name, "@") && !slices.ContainsFunc(m.TCPMiddlewares, func(w config.TCPMiddleware) bool { return strings.EqualFold(w.Name, name) })
		})
		return i >= 0 && m.drop(true, r.Origin, "tcp router "+r.Name, r.Middlewares[i])
	})
}

// streamServers takes over a service that has servers of its own.
func (m *migration) streamServers(t *tree, r *config.StreamService, root, name string) error {
	at := root + ".services." + name + ".loadBalancer"
	switch {
	case strings.Contains(name, "@"):
		return fmt.Errorf("the service %s is not of the file", name)
	case !t.has(at):
		return fmt.Errorf("there is no service %q with servers", name)
	}
	for i := range t.count(at + ".servers") {
		server := fmt.Sprintf("%s.servers[%d]", at, i)
		target := t.text(server + ".address")
		if weight := t.text(server + ".weight"); weight != "" && weight != "1" {
			target += " weight=" + weight
		}
		r.Targets = append(r.Targets, target)
		r.TargetTLS = r.TargetTLS || t.is(server+".tls")
	}
	var err error
	if r.Transport, err = m.tcpTransportNamed(t.text(at + ".serversTransport")); err != nil {
		return err
	}
	if proxy := t.proxyVersion(at); r.Transport == "" {
		r.ProxyProtocol, r.Transport = proxy, m.termination(t, at+".terminationDelay", name)
	} else { // which says both in Traefik
		t.take(at + ".terminationDelay")
	}
	if check := at + ".healthCheck"; t.has(check) {
		if err := r.Health.UnmarshalObject(t.object(check)); err != nil {
			return fmt.Errorf("%s: %w", check, plainFault(err))
		}
	}
	if slices.Contains(r.Targets, "") {
		return errors.New("a server has no address")
	}
	return t.nothingLeft(at)
}

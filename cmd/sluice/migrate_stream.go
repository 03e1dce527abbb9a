package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// streams takes over the routers of connections or datagrams of a file, with their
// services. root is "tcp" or "udp".
func (m *migration) streams(t *tree, root string) {
	for _, name := range t.names(root + ".routers") {
		at := root + ".routers." + name
		r := StaticStream{Origin: t.origin(at), Name: name, Rule: t.text(at + ".rule"), Entrypoints: t.list(at + ".entryPoints")}
		r.Priority, _ = strconv.Atoi(t.text(at + ".priority"))
		if t.has(at+".tls") && t.text(at+".tls") != "false" {
			r.TLS = "terminate"
			if t.is(at + ".tls.passthrough") {
				r.TLS = "passthrough"
			}
			r.TLSOptions = fileName(t.text(at + ".tls.options"))
			r.CertResolver = m.routersResolver(t, at+".tls")
		}
		err := m.streamService(t, &r, root, fileName(t.text(at+".service")))
		if err == nil {
			err = t.nothingLeft(at)
		}
		if err == nil {
			_, _, err = tags.Static{Streams: []tags.StaticStream{r.static(nil, root == "udp")}}.Definition(nil)
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
			isOfRequests := slices.ContainsFunc(m.Routes, func(r StaticRoute) bool { return slices.Contains(r.Entrypoints, name) })
			if l != nil && !isOfRequests && l.option("proto") == "" {
				l.Text += ";proto=" + lb.ProtoTCP
			}
		}
	}
}

// streamService gives a route the servers of its service.
func (m *migration) streamService(t *tree, r *StaticStream, root, name string) error {
	at := root + ".services." + name + ".loadBalancer"
	if !t.has(at) {
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
	if slices.Contains(r.Targets, "") {
		return errors.New("a server has no address")
	}
	return t.nothingLeft(at)
}

package main

import "fmt"

const serversTransports = "http.serversTransports"

// serversTransport takes over one of http.serversTransports. What cannot be taken over
// leaves out the whole: routers of services that name it are off, rather than
// connected in another way.
func (m *migration) serversTransport(t *tree, name string) {
	at := serversTransports + "." + name
	made := ServersTransport{
		Origin: fmt.Sprintf("%s:%d", t.path, t.line(at)), Name: name,
		InsecureSkipVerify: t.is(at + ".insecureSkipVerify"), ServerName: t.text(at + ".serverName"),
		RootCAs: t.list(at + ".rootCAs"), MinVersion: t.text(at + ".minVersion"),
	}
	if t.count(at+".certificates") == 1 {
		pair := at + ".certificates[0]"
		made.Certificate, made.Key = t.text(pair+".certFile"), t.text(pair+".keyFile")
	}
	if err := t.nothingLeft(at); err != nil {
		m.notes = append(m.notes, note{t.path, t.line(at), fmt.Sprintf("the servers transport %s is left out: %v", name, err)})
		t.take(at)
		return
	}
	m.comment("transport."+name, "%s", m.origin(t, at))
	m.Transports = append(m.Transports, made)
}

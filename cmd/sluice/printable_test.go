package main

import (
	"bytes"
	"strings"
	"testing"
)

// What owners of services write is no command to the terminal of who looks at it, and
// no further row of a table.
func TestNamesAreNoCommandsToTerminals(t *testing.T) {
	const evil = "\x1b[2Jx\nroute add fake\r\x07\u009b31m\u202e\u2028"
	route := routeView{Name: evil, Service: evil, Rule: evil, Dialect: "fabio", Endpoints: []endpointView{{Address: evil, Instance: evil}}, Doors: map[string][]stepView{evil: {{Name: evil}}}}
	list := routesList{Routes: []routeView{route}, Problems: []problemView{{Service: evil, Tag: evil, Offset: 5, Reason: evil, Hint: evil, Node: evil, Instance: evil}}}
	changes := compareRouteLists(nil, list.Routes)
	for name, write := range map[string]func(*bytes.Buffer){
		"routes":  func(b *bytes.Buffer) { list.write(b) },
		"changes": func(b *bytes.Buffer) { writeChanges(b, changes) },
		"explain": func(b *bytes.Buffer) {
			explanation{Method: "GET", URL: evil, Route: &route, Candidates: []candidateView{{Name: evil, Service: evil, Rule: evil, Reason: evil}}}.write(b)
		},
	} {
		var b bytes.Buffer
		write(&b)
		if !strings.Contains(b.String(), "␛[2Jx␊route add fake␍␇") {
			t.Errorf("%s: its text is not in %q", name, b.String())
		}
		if strings.ContainsAny(b.String(), "\x1b\r\x07\u009b\u202e\u2028") || strings.Contains(b.String(), "\nroute add") {
			t.Errorf("%s: %q", name, b.String())
		}
	}
}

// Of datagrams nobody routes there is no connection to be closed.
func TestExplainsDatagramsWithoutARoute(t *testing.T) {
	for url, want := range map[string]string{
		"udp://127.0.0.1:53": "no route matches: the datagrams are dropped", "tcp://127.0.0.1:53": "no route matches: the connection is closed",
	} {
		var b strings.Builder
		explanation{Method: "CONNECT", URL: url}.write(&b)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: %s", url, b.String())
		}
	}
}

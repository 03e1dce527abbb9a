package tags

import (
	"strings"
	"testing"
)

func TestSocketsOfInstances(t *testing.T) {
	for name, test := range map[string]struct {
		socket, tag string
		address     string // empty: none
	}{
		"below a folder":          {"/run/apps/a/web.sock", "urlprefix-/", "unix:/run/apps/a/web.sock"},
		"of Traefik":              {"/run/apps/web.sock", "traefik.http.routers.r.rule=PathPrefix(`/`)", "unix:/run/apps/web.sock"},
		"another port is given":   {"/run/apps/web.sock", "traefik.http.services.s.loadbalancer.server.port=8080", "10.0.0.1:8080"},
		"beside the folder":       {"/run/docker.sock", "urlprefix-/", ""},
		"out of the folder":       {"/run/apps/../docker.sock", "urlprefix-/", ""},
		"the folder's namesake":   {"/run/apps2/web.sock", "urlprefix-/", ""},
		"the folder itself":       {"/run/apps", "urlprefix-/", "unix:/run/apps"},
		"no path from the root":   {"web.sock", "urlprefix-/", ""},
		"a path that is too long": {"/run/apps/" + strings.Repeat("x", 100), "urlprefix-/", ""},
	} {
		o := DefaultOptions()
		o.Sockets = []string{"/run/apps"}
		d := Parse(o, "web", []Instance{{ID: "1", Address: "10.0.0.1", Socket: test.socket, Tags: []string{test.tag}, Serving: true}})
		address := ""
		for _, pool := range d.Pools {
			for _, e := range pool.Endpoints {
				address = e.Address
			}
		}
		if address != test.address || (address == "") != (len(d.Problems) == 1) {
			t.Errorf("%s: %q and %v, want %q", name, address, d.Problems, test.address)
		}
	}
}

func TestSocketsOfCommands(t *testing.T) {
	o := DefaultOptions()
	o.Sockets = []string{"/run/apps"}
	for text, want := range map[string]string{
		"route add web / unix:///run/apps/web.sock":                                            "http unix:/run/apps/web.sock",
		"route add web :80 unix:///run/apps/web.sock opts \"proto=tcp\"":                       "tcp unix:/run/apps/web.sock",
		"route add web / unix:/run/docker.sock":                                                "",
		"route add web / unix:///run/apps/web.sock\nroute del web / unix:///run/apps/web.sock": "",
	} {
		commands, problems := o.ParseCommands("test", text)
		o.Commands = Join(commands)
		d := Parse(o, "web", nil)
		got := ""
		for _, pool := range d.Pools {
			for _, e := range pool.Endpoints {
				got = e.Scheme + " " + e.Address
			}
		}
		if got != want || len(problems) > 0 {
			t.Errorf("%s: %q and %v %v, want %q", text, got, problems, d.Problems, want)
		}
	}
}

func TestSocketsOfTheConfiguration(t *testing.T) {
	if e, err := staticTarget("unix:///run/web.sock weight=3"); err != nil || e.Scheme != "http" || e.Address != "unix:/run/web.sock" || e.Weight != 3 {
		t.Errorf("%+v, %v", e, err)
	}
	s := &StreamServers{}
	if e, err := s.target("unix:///run/db.sock", false); err != nil || e.Scheme != "tcp" || e.Address != "unix:/run/db.sock" {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := s.target("unix:///run/db.sock", true); err == nil {
		t.Error("datagrams go to a socket of connections")
	}
	if _, err := staticTarget("unix:web.sock"); err == nil || !strings.Contains(err.Error(), "does not begin with a slash") {
		t.Errorf("err = %v", err)
	}
}

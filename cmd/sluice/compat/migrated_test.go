package compat

import (
	"fmt"
	"strings"
	"testing"
)

// migrated are the files of a world that sluice migrate takes, and what the
// result is started with besides.
var migrated = map[string]struct{ files, flags string }{
	"fabio":    {files: "fabio.properties", flags: "-consul-addr %s"},
	"traefik":  {files: "traefik.yml dynamic.yml", flags: "-admin {ip}:9998"},
	"traefik1": {files: "traefik.toml", flags: "-admin {ip}:9998"},
}

// TestMigrated asks a sluice that runs on what sluice migrate has made of the
// peer's own configuration what [TestCompatibility] asks one that was set up by
// hand. The answers are the same.
func TestMigrated(t *testing.T) {
	s := newStage(t)
	for name, how := range migrated {
		t.Run(name, func(t *testing.T) {
			for _, w := range readWorlds(t, name) {
				if !w.isMigrated() {
					continue
				}
				t.Run(w.name(), func(t *testing.T) {
					s.playAlone(t, w, peers[name], func(ip, consul string) []string {
						commands := []string{
							fmt.Sprintf("%s migrate -o migrated.hcl %s", s.sluice, how.files),
							"exec " + s.sluice + " -config migrated.hcl " + strings.NewReplacer("%s", consul, "{ip}", ip).Replace(how.flags),
						}
						return []string{"-c", strings.Join(commands, " && ")}
					})
				})
			}
		})
	}
}

// unchanged are the settings of a world that sluice runs by as the peer does.
var unchanged = map[string]string{"traefik": "traefik.yml", "traefik1": "traefik.toml"}

// TestUnchanged asks a sluice that runs on the peer's own configuration the same.
func TestUnchanged(t *testing.T) {
	s := newStage(t)
	for name, file := range unchanged {
		t.Run(name, func(t *testing.T) {
			for _, w := range readWorlds(t, name) {
				t.Run(w.name(), func(t *testing.T) {
					s.playAlone(t, w, peers[name], func(ip, _ string) []string {
						return []string{"-c", fmt.Sprintf("exec %s -admin %s:9998 -traefik %s", s.sluice, ip, file)}
					})
				})
			}
		})
	}
}

// playAlone asks one program, which a shell starts.
func (s *stage) playAlone(t *testing.T, w *world, p peer, script func(ip, consul string) []string) {
	s.furnish(t, w, p)
	routes := s.addresses(w.file("routes.json"))
	s.routes.Store(&routes)
	r := s.start(t, "/bin/sh", w, script)
	if err := r.await(p.ready, patience); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.cases {
		t.Run(c.name, func(t *testing.T) { r.check(t, c, "sluice") })
	}
}

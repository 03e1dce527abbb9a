package main

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// sluiceSubject routes by tags in all three dialects, from a folder of service
// definitions.
func sluiceSubject(name, path string) subject {
	return subject{name: name, path: path, prepare: func(p plan) ([]string, error) {
		catalog := filepath.Join(p.dir, "catalog")
		if err := os.Mkdir(catalog, 0o700); err != nil {
			return nil, err
		}
		type service struct {
			Name string   `json:"name"`
			Port uint16   `json:"port"`
			Tags []string `json:"tags"`
		}
		var services struct {
			Services []service `json:"services"`
		}
		for i := range p.routes {
			s := service{routeName(i), p.upstream.Port(), nil}
			switch i % 3 {
			case 0:
				s.Tags = []string{"urlprefix-/" + s.Name}
			case 1:
				s.Tags = []string{"traefik.enable=true", "traefik.frontend.rule=PathPrefix:/" + s.Name}
			case 2:
				s.Tags = []string{"traefik.enable=true", "traefik.http.routers." + s.Name + ".rule=PathPrefix(`/" + s.Name + "`)"}
			}
			services.Services = append(services.Services, s)
		}
		text, err := json.Marshal(services)
		if err != nil {
			return nil, err
		}
		if _, err := p.file("catalog/services.json", string(text)); err != nil {
			return nil, err
		}
		args := []string{
			"-log-level", "warn",
			"-catalog", catalog, "-catalog-address", p.upstream.Addr().String(),
			"-admin", p.admin.String(),
			"-lb", p.http.String(), "-lb", p.https.String() + ";cert=" + p.cert + ";key=" + p.key,
		}
		if p.log {
			args = append(args, "-access-log", p.accessLog(), "-access-log-format", "json")
		}
		return args, nil
	}}
}

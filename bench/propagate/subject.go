package main

import (
	"fmt"
	"net/netip"
)

// subject is a load balancer to measure.
type subject struct {
	name string
	path string
	// dialects are the tag languages it reads; services take turns in them.
	dialects []dialect
	// args is its command line.
	args func(consul, lb, admin netip.AddrPort) []string
}

// dialect returns the tags that route /name to the service, without the prefix.
type dialect func(name string) []string

func fabioTags(name string) []string {
	return []string{fmt.Sprintf("urlprefix-/%s strip=/%[1]s", name)}
}

func traefik1Tags(name string) []string {
	return []string{"traefik.enable=true", "traefik.frontend.rule=PathPrefixStrip:/" + name}
}

func traefikTags(name string) []string {
	return []string{"traefik.enable=true", fmt.Sprintf("traefik.http.routers.%s.rule=PathPrefix(`/%[1]s`)", name)}
}

func sluiceSubject(path string) subject {
	return subject{
		name:     "sluice",
		path:     path,
		dialects: []dialect{fabioTags, traefik1Tags, traefikTags},
		args: func(consul, lb, admin netip.AddrPort) []string {
			return []string{
				"-consul-addr", consul.String(), "-lb", lb.String(), "-admin", admin.String(), "-log-level", "warn",
			}
		},
	}
}

func fabioSubject(path string) subject {
	return subject{
		name:     "fabio",
		path:     path,
		dialects: []dialect{fabioTags},
		args: func(consul, lb, admin netip.AddrPort) []string {
			return []string{
				"-registry.consul.addr", consul.String(), "-registry.consul.register.enabled=false",
				"-proxy.addr", lb.String(), "-proxy.strategy", "rr", "-ui.addr", admin.String(), "-log.level", "WARN",
			}
		},
	}
}

// service returns the i-th service of a kind, passing. Numbers have a fixed
// width: no service's path may be a prefix of another's, or that one would
// answer in its place.
func (s subject) service(kind string, i int, backend netip.AddrPort) service {
	name := fmt.Sprintf("%s-%06d", kind, i)
	return service{
		name:   name,
		host:   backend.Addr().String(),
		port:   int(backend.Port()),
		tags:   s.dialects[i%len(s.dialects)](name),
		status: "passing",
	}
}

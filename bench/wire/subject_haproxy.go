package main

import (
	"fmt"
	"strings"
)

// haproxySubject finds one of as many backends by a map of path prefixes. It can
// write its log without another program only to where it prints.
func haproxySubject() subject {
	return subject{name: "haproxy", path: "/usr/sbin/haproxy", logsToStdout: true, prepare: func(p plan) ([]string, error) {
		var routes, b strings.Builder
		for i := range p.routes {
			fmt.Fprintf(&routes, "/%s %[1]s\n", routeName(i))
		}
		paths, err := p.file("routes.map", routes.String())
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, `
global
  nbthread %d
  maxconn 16000
  no strict-limits
  ssl-default-bind-ciphersuites %s
  ssl-default-bind-options ssl-min-ver TLSv1.3
  log stdout len 4096 format raw local0
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout http-request 10s
  timeout http-keep-alive 120s
  http-reuse always
`, p.workers, cipherSuite)
		if p.log {
			b.WriteString("  log global\n")
		}
		fmt.Fprintf(&b, `frontend web
  bind %s
  bind %s ssl crt %s
  option forwardfor
  http-request set-header Forwarded for=%%[src];by=%%[dst];host=\"%%[req.hdr(host)]\";proto=http unless { ssl_fc }
  http-request set-header Forwarded for=%%[src];by=%%[dst];host=\"%%[req.hdr(host)]\";proto=https if { ssl_fc }
  http-request set-header X-Real-Ip %%[src]
  http-request set-header X-Forwarded-Proto http unless { ssl_fc }
  http-request set-header X-Forwarded-Proto https if { ssl_fc }
  http-request set-header X-Forwarded-Host %%[req.hdr(host)]
  http-request set-header X-Forwarded-Port %%[dst_port]
  http-request set-header X-Forwarded-Server %%[hostname]
  http-request capture req.hdr(host) len 128
  http-request capture req.hdr(user-agent) len 128
  http-request capture req.hdr(referer) len 128
  log-format '{"time":"%%trl","remote":"%%ci","method":"%%HM","host":"%%[capture.req.hdr(0),json]","uri":"%%[capture.req.uri,json]","protocol":"%%HV","status":%%ST,"bytes":%%B,"duration":%%Ta,"upstream":"%%si:%%sp","upstream_duration":"%%Tr","user_agent":"%%[capture.req.hdr(1),json]","referer":"%%[capture.req.hdr(2),json]"}'
  use_backend %%[path,map_beg(%s)]
`, p.http, p.https, p.pair, paths)
		for i := range p.routes {
			fmt.Fprintf(&b, "backend %s\n  server one %s\n", routeName(i), p.upstream)
		}
		conf, err := p.file("haproxy.cfg", b.String())
		return []string{"-db", "-f", conf}, err
	}}
}

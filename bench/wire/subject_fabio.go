package main

import (
	"fmt"
	"strings"
)

// fabioSubject has its routes from a file. Its access log goes where it prints.
func fabioSubject(path string) subject {
	return subject{name: "fabio", path: path, logsToStdout: true, prepare: func(p plan) ([]string, error) {
		var b strings.Builder
		for i := range p.routes {
			fmt.Fprintf(&b, "route add %s /%[1]s http://%s/\n", routeName(i), p.upstream)
		}
		none, err := p.file("none.html", "there is no route")
		if err != nil {
			return nil, err
		}
		routes, err := p.file("routes", b.String())
		args := []string{
			"-registry.backend", "file", "-registry.file.path", routes, "-registry.file.noroutehtmlpath", none,
			"-proxy.cs", "cs=one;type=file;cert=" + p.cert + ";key=" + p.key,
			"-proxy.addr", p.http.String() + "," + p.https.String() + ";cs=one",
			"-proxy.strategy", "rr", "-proxy.maxconn", "512", "-proxy.header.requestid", "",
			"-ui.addr", p.admin.String(), "-log.level", "WARN", "-metrics.target", "prometheus",
		}
		if p.log {
			args = append(args, "-log.access.target", "stdout", "-log.access.format",
				`{"time":"$time_rfc3339_ms","remote":"$remote_host","method":"$request_method","host":"$request_host",`+
					`"uri":"$request_uri","protocol":"$request_proto","status":$response_status,"bytes":$response_body_size,`+
					`"duration":$response_time_us,"upstream":"$upstream_addr","referer":"$header.Referer","user_agent":"$header.User-Agent"}`)
		}
		return args, err
	}}
}

package main

import (
	"fmt"
	"strings"
)

// nginxCommon is what both nginx are given: the measured one and the upstream.
const nginxCommon = `
daemon off;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
worker_processes %[2]d;
worker_rlimit_nofile 20000;
events { worker_connections 16000; }
`

// nginxPaths keep the packages' folders out of it.
const nginxPaths = `
client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
`

// nginxSubject forwards as sluice does: connections to the upstream are kept, the
// same fields tell of the client, nothing is written to disk but the log.
func nginxSubject() subject {
	return subject{name: "nginx", path: "/usr/sbin/nginx", prepare: func(p plan) ([]string, error) {
		var b strings.Builder
		fmt.Fprintf(&b, nginxCommon, p.dir, p.workers)
		b.WriteString("http {\n")
		fmt.Fprintf(&b, nginxPaths, p.dir)
		if p.log {
			b.WriteString(`log_format json escape=json '{"time":"$time_iso8601","remote":"$remote_addr","method":"$request_method",'
  '"host":"$host","uri":"$request_uri","protocol":"$server_protocol","status":$status,"bytes":$body_bytes_sent,'
  '"duration":$request_time,"upstream":"$upstream_addr","upstream_duration":"$upstream_response_time",'
  '"referer":"$http_referer","user_agent":"$http_user_agent"}';
`)
			fmt.Fprintf(&b, "access_log %s json buffer=64k flush=1s;\n", p.accessLog())
		} else {
			b.WriteString("access_log off;\n")
		}
		fmt.Fprintf(&b, `
upstream up { server %s; keepalive 512; keepalive_requests 100000000; }
keepalive_requests 100000000;
client_body_buffer_size 64k;
client_max_body_size 0;
proxy_http_version 1.1;
proxy_buffers 8 16k;
proxy_buffer_size 16k;
proxy_max_temp_file_size 0;
proxy_set_header Host $http_host;
proxy_set_header Connection "";
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
proxy_set_header Forwarded 'for=$remote_addr;by=$server_addr;host="$http_host";proto=$scheme';
proxy_set_header X-Real-Ip $remote_addr;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-Host $http_host;
proxy_set_header X-Forwarded-Port $server_port;
proxy_set_header X-Forwarded-Server $hostname;
ssl_protocols TLSv1.3;
ssl_conf_command Ciphersuites %s;
server {
  listen %s backlog=4096;
  listen %s ssl backlog=4096;
  ssl_certificate %s; ssl_certificate_key %s;
`, p.upstream, cipherSuite, p.http, p.https, p.cert, p.key)
		for i := range p.routes {
			fmt.Fprintf(&b, "  location /%s { proxy_pass http://up; }\n", routeName(i))
		}
		b.WriteString("}\n}\n")
		conf, err := p.file("nginx.conf", b.String())
		return []string{"-p", p.dir, "-e", p.dir + "/error.log", "-c", conf}, err
	}}
}

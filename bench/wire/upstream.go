package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// upstream is the configuration of the nginx that all subjects forward to. GET
// is answered from files; a POST's body is read whole, by the part that forwards
// to the part that answers.
func upstream(p plan, cases []workload) ([]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, nginxCommon, p.dir, 1)
	b.WriteString("http {\n")
	fmt.Fprintf(&b, nginxPaths, p.dir)
	fmt.Fprintf(&b, `
access_log off;
sendfile on;
tcp_nopush on;
open_file_cache max=100;
open_file_cache_valid 1h;
keepalive_requests 100000000;
keepalive_timeout 1h;
client_max_body_size 0;
client_body_buffer_size 2m;
default_type application/octet-stream;
upstream sink { server unix:%[1]s/sink; keepalive 64; keepalive_requests 100000000; }
server { listen unix:%[1]s/sink; return 200 "got it\n"; }
server {
  listen %[2]s backlog=4096;
  root %[1]s;
  location %[3]s/post { proxy_pass http://sink; proxy_http_version 1.1; proxy_set_header Connection ""; }
}
}
`, p.dir, p.upstream, p.route())
	// nginx's workers have another user if its master is root.
	folder := filepath.Join(p.dir, p.route())
	if err := os.Mkdir(folder, 0o755); err != nil {
		return nil, err
	}
	for _, w := range append(cases, workload{size: "128", bytes: 128}) {
		if err := os.WriteFile(filepath.Join(folder, w.size), bytes.Repeat([]byte("."), w.bytes), 0o644); err != nil {
			return nil, err
		}
	}
	conf, err := p.file("nginx.conf", b.String())
	return []string{"-p", p.dir, "-e", p.dir + "/error.log", "-c", conf}, err
}

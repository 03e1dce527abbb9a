package main

import (
	"io"
	"strings"

	"github.com/sluiceproxy/sluice/config/flags"
)

// The heads of the tools' help; their own flags follow.
const (
	routesUsage = `Usage: sluice routes [flags]

Lists every route, and every tag and file that could not be used. It asks the
sluice that runs here. Told of a catalog or a Consul it reads that itself:

  sluice routes -catalog ./consul.d
  sluice routes -consul-addr 127.0.0.1:8500
  sluice routes -from https://lb-3:9998 -from-ca ca.pem
  sluice routes -json >before.json
  sluice routes -diff before.json after.json   what has changed
  sluice routes -diff ./consul.d ./new.d       the same of two catalogs
  sluice routes -catalog ./consul.d -diff old.hcl new.hcl   of configurations
`
	explainUsage = `Usage: sluice explain [flags] [METHOD] URL

Says which route a request would take and why, which tag of which instance made
it, which middlewares it goes through, where it would be forwarded to, and why
the other routes that came into question did not get it. Nothing is sent. It
asks the sluice that runs here. Told of a catalog or a Consul it reads that
itself:

  sluice explain http://www.example.com/cerebro/x
  sluice explain -catalog ./consul.d -H 'X-User: me' POST http://localhost/
  sluice explain tls://db.example.com:443   a connection, by the name it asks for
  sluice explain tcp://:5432                a connection, by what it connects to
  sluice explain udp://:53                  datagrams

The exit status is 0 if a route matches, even if no instance is healthy, 1 if
none does, 13 if the question makes no sense, 15 if the configuration does not,
and 14 if there is nobody to ask.
`
	migrateUsage = `Usage: sluice migrate [flags] FILE...

Writes the configuration that stands for files of Fabio (properties), Traefik 1
(TOML) and Traefik 2 or 3 (TOML or YAML, static or of the file provider). What
has no equivalent is listed on standard error, with its line. Tags of services
stay as they are.

  sluice migrate fabio.properties >sluice.hcl
  sluice migrate -o sluice.hcl traefik.yml dynamic.yml
`
	validateUsage = `Usage: sluice validate [flags]

Checks configuration files, listeners with their certificates, middlewares,
templates and, with -catalog, service definitions and their tags, and lists
everything that is wrong. It needs no network. It takes the flags sluice itself
would be started with:

  sluice validate -config /etc/sluice.hcl
  sluice validate -catalog ./consul.d -template in.ctmpl:out.conf
`
)

// writeToolUsage prints the help of a tool.
func (p program) writeToolUsage(head string, own []flags.Flag) error {
	var b strings.Builder
	b.WriteString(head)
	if len(own) > 0 {
		b.WriteString("\n")
	}
	for _, f := range own {
		f.Write(&b)
	}
	b.WriteString("\nThe flags of sluice itself are taken as well; sluice -h lists them.\n")
	_, err := io.WriteString(p.stdout, b.String())
	return err
}

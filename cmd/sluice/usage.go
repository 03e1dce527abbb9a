package main

import "github.com/sluiceproxy/sluice/config/flags"

const usageHead = `Usage: sluice [flags]
       sluice validate|routes|explain|migrate|version [flags]

sluice watches Consul and turns what it learns into config files, made from
templates, and into live traffic, routed by the tags of services.

  sluice -template "in.ctmpl:out.conf:nginx -s reload"
  sluice -lb :9999
  sluice -lb :9999 -catalog ./consul.d     without Consul
  sluice -config sluice.hcl                both, and everything else

  validate   check configuration files and templates, then exit
  routes     list the routes and problems of the sluice that runs here
  explain    say where a request to a URL would go, and why
  migrate    write the configuration that stands for Fabio's or Traefik's
  version    print the version
`

const usageHeadOfOther = `Usage: consul-template [flags]

This is sluice in the place of consul-template: it keeps files as their
templates and Consul say.

  consul-template -template "in.ctmpl:out.conf:nginx -s reload"
  consul-template -config consul-template.hcl
`

func (p program) writeUsage() error {
	head := usageHead
	if p.name != ourName {
		head = usageHeadOfOther
	}
	return flags.WriteUsage(p.stdout, head)
}

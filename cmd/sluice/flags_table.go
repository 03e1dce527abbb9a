package main

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// flagGroup is a heading of the help and the flags below it.
type flagGroup struct {
	title string
	flags []flagSpec
}

// flagGroups is every flag there is, in the order of the help.
func flagGroups() []flagGroup {
	return []flagGroup{
		{"What to run", runFlags()},
		{"Templates", templateFlags()},
		{"Program to supervise", execFlags()},
		{"Load balancer", lbFlags()},
		{"Consul", consulFlags()},
		{"Connection to Consul", consulConnectionFlags()},
		{"Vault", vaultFlags()},
		{"Connection to Vault", vaultConnectionFlags()},
		{"Other", otherFlags()},
	}
}

func runFlags() []flagSpec {
	return []flagSpec{
		{name: "template", value: "SRC[:DST[:CMD]]", set: addTemplate,
			help: "Render SRC to DST and run CMD when it changed. Repeatable."},
		{name: "lb", value: "ADDR[;key=value…]", set: addListener,
			help: "Serve HTTP on ADDR, routed by the tags of services. Keys: name, cert, key, … Repeatable."},
		{name: "fabio", value: "PATH", set: toggleText(func(cl *commandLine) *string { return &cl.fabio.path }),
			help: "Run as Fabio with its properties (a file or a URL), FABIO_… variables and, behind this, its own flags."},
		{name: "traefik", value: "PATH", bare: "-", set: setTraefik,
			help: "Run as Traefik with its static configuration; without a PATH, with its flags behind this or TRAEFIK_… variables."},
		{name: "catalog", value: "DIR", set: into(func(c *config.Config) any { return &c.Catalog.Path }),
			help: "Take services from the definition files in DIR, not from Consul."},
		{name: "config", value: "PATH", set: addConfig,
			help: "Read settings from a file (HCL or JSON) or a folder of them. Repeatable; later ones win, flags beat them all."},
	}
}

func templateFlags() []flagSpec {
	return []flagSpec{
		{name: "once", set: into(func(c *config.Config) any { return &c.Once }),
			help: "Render every template once, then exit."},
		{name: "dry", set: toggle(func(cl *commandLine) *bool { return &cl.Dry }),
			help: "Print results; write no file and run no command."},
		{name: "diff", set: toggle(func(cl *commandLine) *bool { return &cl.Diff }),
			help: "With -dry: print differences; with -once, exit with 2 if there are any."},
		{name: "parse-only", set: into(func(c *config.Config) any { return &c.ParseOnly }),
			help: "Check the templates without any data, then exit."},
		{name: "once-timeout", value: "DURATION", set: into(func(c *config.Config) any { return &c.OnceTimeout }),
			help: "With -once: give up after so long (default never)."},
		{name: "err-on-failed-lookup", set: into(func(c *config.Config) any { return &c.ErrOnFailedLookup }),
			help: "Exit when a key that a template needs does not exist; otherwise it is waited for."},
		{name: "watch-files", set: into(func(c *config.Config) any { return &c.WatchFiles }),
			help: "Read settings and templates again when their files change."},
		{name: "wait", value: "MIN[:MAX]", set: into(func(c *config.Config) any { return &c.Wait }),
			help: "Render once data has been quiet for MIN, at the latest after MAX (default 4 times MIN)."},
		{name: "dedup", set: into(func(c *config.Config) any { return &c.Deduplicate.Enabled }),
			help: "Let one of all hosts with a template ask Consul for its data, and the others take that."},
		{name: "template-error-fatal", set: setErrorFatal,
			help: "Exit when a template fails (default true with -once or a single template, else the others go on)."},
		{name: "default-left-delimiter", value: "TEXT", set: into(func(c *config.Config) any { return &c.DefaultDelimiters.Left }),
			help: "What opens an action (default \"{{\")."},
		{name: "default-right-delimiter", value: "TEXT", set: into(func(c *config.Config) any { return &c.DefaultDelimiters.Right }),
			help: "What closes an action (default \"}}\")."},
	}
}

func execFlags() []flagSpec {
	return []flagSpec{
		{name: "exec", value: "COMMAND", set: into(func(c *config.Config) any { return &c.Exec.Command }),
			help: "Start COMMAND when everything is rendered, tell it of changes, and end with it."},
		{name: "exec-kill-signal", value: "SIGNAL", set: into(func(c *config.Config) any { return &c.Exec.KillSignal }),
			help: "Signal that ends it (default SIGINT)."},
		{name: "exec-kill-timeout", value: "DURATION", set: into(func(c *config.Config) any { return &c.Exec.KillTimeout }),
			help: "How long that may take until it gets SIGKILL (default 30s)."},
		{name: "exec-reload-signal", value: "SIGNAL", set: into(func(c *config.Config) any { return &c.Exec.ReloadSignal }),
			help: "Signal that tells it of changes (default none: it is started anew)."},
		{name: "exec-splay", value: "DURATION", set: into(func(c *config.Config) any { return &c.Exec.Splay }),
			help: "Wait a random time up to this before it is told."},
		{name: "exec-env-pristine", set: into(func(c *config.Config) any { return &c.Exec.Env.Pristine }),
			help: "Do not hand down the environment."},
		{name: "exec-env-custom", value: "K=V", set: into(func(c *config.Config) any { return &c.Exec.Env.Custom }),
			help: "Add to its environment. Repeatable."},
		{name: "exec-env-allowlist", value: "PATTERN", aliases: []string{"exec-env-whitelist"},
			set:  into(func(c *config.Config) any { return &c.Exec.Env.Allowlist }),
			help: "Hand down only variables with such names. Repeatable."},
		{name: "exec-env-denylist", value: "PATTERN", aliases: []string{"exec-env-blacklist"},
			set:  into(func(c *config.Config) any { return &c.Exec.Env.Denylist }),
			help: "Do not hand down variables with such names. Repeatable."},
	}
}

func lbFlags() []flagSpec {
	return []flagSpec{
		{name: "certificates", value: "cs=NAME;type=TYPE;…", set: addCertificates,
			help: "Take certificates for listeners with cs=NAME from a source: file, path, http, consul, vault, vault-pki. Repeatable."},
		{name: "exposed-by-default", set: into(func(c *config.Config) any { return &c.Tags.ExposedByDefault }),
			help: "Route services whose tags do not ask for it, too; with =false, only those with the tag traefik.enable=true."},
		{name: "access-log", value: "TARGET", set: into(func(c *config.Config) any { return &c.LB.AccessLog.Target }),
			help: "Write a line for each request to stdout, stderr or a file (default off)."},
		{name: "access-log-format", value: "FORMAT", set: into(func(c *config.Config) any { return &c.LB.AccessLog.Format }),
			help: "json (default), common, combined, traefik, traefik-json, traefik1, traefik1-json, generic-clf, or a pattern such as '$remote_host \"$request\"'."},
		{name: "admin", value: "ADDR|off", set: into(func(c *config.Config) any { return &c.Admin.Listen }),
			help: "Serve health, routes and metrics on ADDR or on unix:///PATH (default " + config.DefaultAdminAddress + " with -lb, else off)."},
		{name: "catalog-address", value: "ADDR", set: into(func(c *config.Config) any { return &c.Catalog.Address }),
			help: "Address of services in -catalog which have none (default 127.0.0.1)."},
	}
}

func consulFlags() []flagSpec {
	return []flagSpec{
		{name: "consul-addr", value: "ADDR", set: into(func(c *config.Config) any { return &c.Consul.Address }),
			help: "HOST:PORT, http://…, https://… or unix://… (default $CONSUL_HTTP_ADDR, then 127.0.0.1:8500)."},
		{name: "consul-token-file", value: "PATH", set: into(func(c *config.Config) any { return &c.Consul.TokenFile }),
			help: "File that holds the ACL token."},
		{name: "consul-token", value: "TOKEN", set: setToken,
			help: "ACL token; everyone on the machine can see it here, so prefer -consul-token-file or $CONSUL_HTTP_TOKEN."},
		{name: "consul-auth", value: "USER[:PASSWORD]", set: into(func(c *config.Config) any { return &c.Consul.Auth }),
			help: "HTTP basic authentication."},
		{name: "consul-datacenter", value: "NAME", set: into(func(c *config.Config) any { return &c.Consul.Datacenter }),
			help: "Datacenter to ask (default the agent's)."},
		{name: "consul-namespace", value: "NAME", set: into(func(c *config.Config) any { return &c.Consul.Namespace }),
			help: "Enterprise namespace."},
		{name: "consul-partition", value: "NAME", set: into(func(c *config.Config) any { return &c.Consul.Partition }),
			help: "Enterprise partition."},
		{name: "consul-max-connections", value: "N", set: into(func(c *config.Config) any { return &c.Consul.MaxConnections }),
			help: "Requests open at once, however many services are watched (default 64)."},
		{name: "max-stale", value: "DURATION", set: into(func(c *config.Config) any { return &c.MaxStale }),
			help: "How far behind the leader an answer may be; 0s always asks the leader (default 2s)."},
		{name: "block-query-wait", value: "DURATION", set: into(func(c *config.Config) any { return &c.BlockQueryWait }),
			help: "How long Consul may hold a request until something changes (default 1m)."},
		{name: "consul-retry", set: into(func(c *config.Config) any { return &c.Consul.Retry.Enabled }),
			help: "Try again after failed requests (default true)."},
		{name: "consul-retry-attempts", value: "N", set: into(func(c *config.Config) any { return &c.Consul.Retry.Attempts }),
			help: "Give up after so many failures in a row; 0 is never (default 12 until everything is rendered, then never)."},
		{name: "consul-retry-backoff", value: "DURATION", aliases: []string{"retry"},
			set:  into(func(c *config.Config) any { return &c.Consul.Retry.Backoff }),
			help: "First pause, doubled each time (default 250ms)."},
		{name: "consul-retry-max-backoff", value: "DURATION", set: into(func(c *config.Config) any { return &c.Consul.Retry.MaxBackoff }),
			help: "Longest pause; 0s is unlimited (default 1m)."},
	}
}

func consulConnectionFlags() []flagSpec {
	return []flagSpec{
		{name: "consul-ssl", set: into(func(c *config.Config) any { return &c.Consul.SSL.Enabled }),
			help: "Use TLS; any flag below that starts with -consul-ssl turns it on."},
		{name: "consul-ssl-verify", set: into(func(c *config.Config) any { return &c.Consul.SSL.Verify }),
			help: "Check the server's certificate (default true)."},
		{name: "consul-ssl-ca-cert", value: "PATH", set: into(func(c *config.Config) any { return &c.Consul.SSL.CACert }),
			help: "Certificates of the authorities to trust."},
		{name: "consul-ssl-ca-path", value: "DIR", set: into(func(c *config.Config) any { return &c.Consul.SSL.CAPath }),
			help: "Folder of such files."},
		{name: "consul-ssl-cert", value: "PATH", set: into(func(c *config.Config) any { return &c.Consul.SSL.Cert }),
			help: "Client certificate."},
		{name: "consul-ssl-key", value: "PATH", set: into(func(c *config.Config) any { return &c.Consul.SSL.Key }),
			help: "Its key, if not in the same file."},
		{name: "consul-ssl-server-name", value: "NAME", set: into(func(c *config.Config) any { return &c.Consul.SSL.ServerName }),
			help: "Name the server's certificate must have."},
		{name: "consul-transport-dial-timeout", value: "DURATION",
			set:  into(func(c *config.Config) any { return &c.Consul.Transport.DialTimeout }),
			help: "Default 30s."},
		{name: "consul-transport-dial-keep-alive", value: "DURATION",
			set:  into(func(c *config.Config) any { return &c.Consul.Transport.DialKeepAlive }),
			help: "Default 30s."},
		{name: "consul-transport-tls-handshake-timeout", value: "DURATION",
			set:  into(func(c *config.Config) any { return &c.Consul.Transport.TLSHandshakeTimeout }),
			help: "Default 10s."},
		{name: "consul-transport-disable-keep-alives",
			set:  into(func(c *config.Config) any { return &c.Consul.Transport.DisableKeepAlives }),
			help: "Use each connection for one request only."},
		{name: "consul-transport-max-idle-conns-per-host", value: "N",
			set:  into(func(c *config.Config) any { return &c.Consul.Transport.MaxIdleConnsPerHost }),
			help: "Unused connections that are kept (default -consul-max-connections)."},
	}
}

func otherFlags() []flagSpec {
	return []flagSpec{
		{name: "log-level", value: "LEVEL", late: true, set: into(func(c *config.Config) any { return &c.LogLevel }),
			help: "trace, debug, info, warn or err (default warn; info with -lb)."},
		{name: "log-format", value: "FORMAT", set: into(func(c *config.Config) any { return &c.LogFormat }),
			help: "text or json (default text)."},
		{name: "log-file", value: "PATH", set: into(func(c *config.Config) any { return &c.LogFile.Path }),
			help: "Also log to files that begin with PATH."},
		{name: "log-rotate-bytes", value: "N", set: into(func(c *config.Config) any { return &c.LogFile.RotateBytes }),
			help: "Begin a new file after N bytes (default 0, unlimited)."},
		{name: "log-rotate-duration", value: "DURATION", set: into(func(c *config.Config) any { return &c.LogFile.RotateDuration }),
			help: "Begin a new file after so long (default 24h)."},
		{name: "log-rotate-max-files", value: "N", set: into(func(c *config.Config) any { return &c.LogFile.RotateMaxFiles }),
			help: "Keep N older files; 0 keeps all, -1 none (default 0)."},
		{name: "syslog", set: into(func(c *config.Config) any { return &c.Syslog.Enabled }),
			help: "Also log to syslog."},
		{name: "syslog-facility", value: "NAME", late: true, set: into(func(c *config.Config) any { return &c.Syslog.Facility }),
			help: "Its facility (default LOCAL0)."},
		{name: "syslog-name", value: "NAME", set: into(func(c *config.Config) any { return &c.Syslog.Name }),
			help: "What to log under (default the name of the program)."},
		{name: "kill-signal", value: "SIGNAL", set: into(func(c *config.Config) any { return &c.KillSignal }),
			help: "Signal that ends sluice (default SIGINT)."},
		{name: "reload-signal", value: "SIGNAL", set: into(func(c *config.Config) any { return &c.ReloadSignal }),
			help: "Signal on which settings and templates are read again (default SIGHUP)."},
		{name: "pid-file", value: "PATH", set: into(func(c *config.Config) any { return &c.PIDFile }),
			help: "File to keep the process ID in."},
		{name: "version", set: toggle(func(cl *commandLine) *bool { return &cl.Version }), aliases: []string{"v"},
			help: "Print the version."},
		{name: "help", set: toggle(func(cl *commandLine) *bool { return &cl.Help }), aliases: []string{"h"},
			help: "Print this text."},
	}
}

func addConfig(cl *commandLine, path string) error {
	cl.configs = append(cl.configs, path)
	return nil
}

func addTemplate(cl *commandLine, value string) error {
	t, err := config.ParseTemplate(value)
	if err != nil {
		return err
	}
	cl.settings = append(cl.settings, func(c *config.Config) error {
		c.Templates = append(c.Templates, t)
		return nil
	})
	return nil
}

// addListener collects listeners; together they take the place of those of
// the files, as any other flag does.
func addListener(cl *commandLine, value string) error {
	cl.listeners = append(cl.listeners, config.Listener{Origin: "flag -lb", Text: value})
	return nil
}

// addCertificates adds a source of certificates to those of the files.
func addCertificates(cl *commandLine, value string) error {
	cl.settings = append(cl.settings, func(c *config.Config) error {
		c.LB.Certificates = append(c.LB.Certificates, config.Certificates{Origin: "flag -certificates", Text: dial.Secret(value)})
		return nil
	})
	return nil
}

// setErrorFatal also beats what templates say of themselves.
func setErrorFatal(cl *commandLine, value string) error {
	cl.settings = append(cl.settings, func(c *config.Config) error {
		c.ErrorFatalForced = true
		return nil
	})
	return into(func(c *config.Config) any { return &c.TemplateErrorFatal })(cl, value)
}

func setToken(cl *commandLine, value string) error {
	const hint = "-consul-token shows the ACL token to everyone who can list processes; use %s or $%s"
	cl.Warnings = append(cl.Warnings, fmt.Sprintf(hint, "-consul-token-file", "CONSUL_HTTP_TOKEN"))
	return into(func(c *config.Config) any { return &c.Consul.Token })(cl, value)
}

package flags

import (
	"fmt"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/migrate"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// group is a heading of the help and the flags below it.
type group struct {
	title string
	flags []Flag
}

// groups is every flag there is, in the order of the help.
func groups() []group {
	return []group{
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

func runFlags() []Flag {
	return []Flag{
		{Name: "template", Value: "SRC[:DST[:CMD]]", Set: addTemplate,
			Help: "Render SRC to DST and run CMD when it changed. Repeatable."},
		{Name: "lb", Value: "ADDR[;key=value…]", Set: addListener,
			Help: "Serve HTTP on ADDR, routed by the tags of services. Keys: name, cert, key, … Repeatable."},
		{Name: "fabio", Value: "PATH", Set: toggleText(func(cl *CommandLine) *string { return &cl.fabio.Path }),
			Help: "Run as Fabio with its properties (a file or a URL), FABIO_… variables and, behind this, its own flags."},
		{Name: "traefik", Value: "PATH", bare: "-", Set: func(cl *CommandLine, value string) error {
			cl.traefik = migrate.NewTraefik(value)
			return nil
		},
			Help: "Run as Traefik with its static configuration; without a PATH, with its flags behind this or TRAEFIK_… variables."},
		{Name: "catalog", Value: "DIR", Set: into(func(c *config.Config) any { return &c.Catalog.Path }),
			Help: "Take services from the definition files in DIR, not from Consul."},
		{Name: "config", Value: "PATH", Set: addConfig,
			Help: "Read settings from a file (HCL or JSON) or a folder of them. Repeatable; later ones win, flags beat them all."},
	}
}

func templateFlags() []Flag {
	return []Flag{
		{Name: "once", Set: into(func(c *config.Config) any { return &c.Once }),
			Help: "Render every template once, then exit."},
		{Name: "dry", Set: toggle(func(cl *CommandLine) *bool { return &cl.Dry }),
			Help: "Print results; write no file and run no command."},
		{Name: "diff", Set: toggle(func(cl *CommandLine) *bool { return &cl.Diff }),
			Help: "With -dry: print differences; with -once, exit with 2 if there are any."},
		{Name: "parse-only", Set: into(func(c *config.Config) any { return &c.ParseOnly }),
			Help: "Check the templates without any data, then exit."},
		{Name: "once-timeout", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.OnceTimeout }),
			Help: "With -once: give up after so long (default never)."},
		{Name: "err-on-failed-lookup", Set: into(func(c *config.Config) any { return &c.ErrOnFailedLookup }),
			Help: "Exit when a key that a template needs does not exist; otherwise it is waited for."},
		{Name: "watch-files", Set: into(func(c *config.Config) any { return &c.WatchFiles }),
			Help: "Read settings and templates again when their files change."},
		{Name: "wait", Value: "MIN[:MAX]", Set: into(func(c *config.Config) any { return &c.Wait }),
			Help: "Render once data has been quiet for MIN, at the latest after MAX (default 4 times MIN)."},
		{Name: "dedup", Set: into(func(c *config.Config) any { return &c.Deduplicate.Enabled }),
			Help: "Let one of all hosts with a template ask Consul for its data, and the others take that."},
		{Name: "template-error-fatal", Set: setErrorFatal,
			Help: "Exit when a template fails (default true with -once or a single template, else the others go on)."},
		{Name: "default-left-delimiter", Value: "TEXT", Set: into(func(c *config.Config) any { return &c.DefaultDelimiters.Left }),
			Help: "What opens an action (default \"{{\")."},
		{Name: "default-right-delimiter", Value: "TEXT", Set: into(func(c *config.Config) any { return &c.DefaultDelimiters.Right }),
			Help: "What closes an action (default \"}}\")."},
	}
}

func execFlags() []Flag {
	return []Flag{
		{Name: "exec", Value: "COMMAND", Set: into(func(c *config.Config) any { return &c.Exec.Command }),
			Help: "Start COMMAND when everything is rendered, tell it of changes, and end with it."},
		{Name: "exec-kill-signal", Value: "SIGNAL", Set: into(func(c *config.Config) any { return &c.Exec.KillSignal }),
			Help: "Signal that ends it (default SIGINT)."},
		{Name: "exec-kill-timeout", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Exec.KillTimeout }),
			Help: "How long that may take until it gets SIGKILL (default 30s)."},
		{Name: "exec-reload-signal", Value: "SIGNAL", Set: into(func(c *config.Config) any { return &c.Exec.ReloadSignal }),
			Help: "Signal that tells it of changes (default none: it is started anew)."},
		{Name: "exec-splay", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Exec.Splay }),
			Help: "Wait a random time up to this before it is told."},
		{Name: "exec-env-pristine", Set: into(func(c *config.Config) any { return &c.Exec.Env.Pristine }),
			Help: "Do not hand down the environment."},
		{Name: "exec-env-custom", Value: "K=V", Set: into(func(c *config.Config) any { return &c.Exec.Env.Custom }),
			Help: "Add to its environment. Repeatable."},
		{Name: "exec-env-allowlist", Value: "PATTERN", aliases: []string{"exec-env-whitelist"},
			Set:  into(func(c *config.Config) any { return &c.Exec.Env.Allowlist }),
			Help: "Hand down only variables with such names. Repeatable."},
		{Name: "exec-env-denylist", Value: "PATTERN", aliases: []string{"exec-env-blacklist"},
			Set:  into(func(c *config.Config) any { return &c.Exec.Env.Denylist }),
			Help: "Do not hand down variables with such names. Repeatable."},
	}
}

func lbFlags() []Flag {
	return []Flag{
		{Name: "certificates", Value: "cs=NAME;type=TYPE;…", Set: addCertificates,
			Help: "Take certificates for listeners with cs=NAME from a source: file, path, http, consul, vault, vault-pki. Repeatable."},
		{Name: "exposed-by-default", Set: into(func(c *config.Config) any { return &c.Tags.ExposedByDefault }),
			Help: "Route services whose tags do not ask for it, too; with =false, only those with the tag traefik.enable=true."},
		{Name: "access-log", Value: "TARGET", Set: into(func(c *config.Config) any { return &c.LB.AccessLog.Target }),
			Help: "Write a line for each request to stdout, stderr or a file (default off)."},
		{Name: "access-log-format", Value: "FORMAT", Set: into(func(c *config.Config) any { return &c.LB.AccessLog.Format }),
			Help: "json (default), common, combined, traefik, traefik-json, traefik1, traefik1-json, generic-clf, or a pattern such as '$remote_host \"$request\"'."},
		{Name: "admin", Value: "ADDR|off", Set: into(func(c *config.Config) any { return &c.Admin.Listen }),
			Help: "Serve health, routes and metrics on ADDR or on unix:///PATH (default " + config.DefaultAdminAddress + " with -lb, else off)."},
		{Name: "catalog-address", Value: "ADDR", Set: into(func(c *config.Config) any { return &c.Catalog.Address }),
			Help: "Address of services in -catalog which have none (default 127.0.0.1)."},
	}
}

func consulFlags() []Flag {
	return []Flag{
		{Name: "consul-addr", Value: "ADDR", Set: into(func(c *config.Config) any { return &c.Consul.Address }),
			Help: "HOST:PORT, http://…, https://… or unix://… (default $CONSUL_HTTP_ADDR, then 127.0.0.1:8500)."},
		{Name: "consul-token-file", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Consul.TokenFile }),
			Help: "File that holds the ACL token."},
		{Name: "consul-token", Value: "TOKEN", Set: setToken,
			Help: "ACL token; everyone on the machine can see it here, so prefer -consul-token-file or $CONSUL_HTTP_TOKEN."},
		{Name: "consul-auth", Value: "USER[:PASSWORD]", Set: into(func(c *config.Config) any { return &c.Consul.Auth }),
			Help: "HTTP basic authentication."},
		{Name: "consul-datacenter", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Consul.Datacenter }),
			Help: "Datacenter to ask (default the agent's)."},
		{Name: "consul-namespace", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Consul.Namespace }),
			Help: "Enterprise namespace."},
		{Name: "consul-partition", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Consul.Partition }),
			Help: "Enterprise partition."},
		{Name: "consul-max-connections", Value: "N", Set: into(func(c *config.Config) any { return &c.Consul.MaxConnections }),
			Help: "Requests open at once, however many services are watched (default 64)."},
		{Name: "max-stale", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.MaxStale }),
			Help: "How far behind the leader an answer may be; 0s always asks the leader (default 2s)."},
		{Name: "block-query-wait", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.BlockQueryWait }),
			Help: "How long Consul may hold a request until something changes (default 1m)."},
		{Name: "consul-retry", Set: into(func(c *config.Config) any { return &c.Consul.Retry.Enabled }),
			Help: "Try again after failed requests (default true)."},
		{Name: "consul-retry-attempts", Value: "N", Set: into(func(c *config.Config) any { return &c.Consul.Retry.Attempts }),
			Help: "Give up after so many failures in a row; 0 is never (default 12 until everything is rendered, then never)."},
		{Name: "consul-retry-backoff", Value: "DURATION", aliases: []string{"retry"},
			Set:  into(func(c *config.Config) any { return &c.Consul.Retry.Backoff }),
			Help: "First pause, doubled each time (default 250ms)."},
		{Name: "consul-retry-max-backoff", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.Consul.Retry.MaxBackoff }),
			Help: "Longest pause; 0s is unlimited (default 1m)."},
	}
}

func consulConnectionFlags() []Flag {
	return []Flag{
		{Name: "consul-ssl", Set: into(func(c *config.Config) any { return &c.Consul.SSL.Enabled }),
			Help: "Use TLS; any flag below that starts with -consul-ssl turns it on."},
		{Name: "consul-ssl-verify", Set: into(func(c *config.Config) any { return &c.Consul.SSL.Verify }),
			Help: "Check the server's certificate (default true)."},
		{Name: "consul-ssl-ca-cert", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Consul.SSL.CACert }),
			Help: "Certificates of the authorities to trust."},
		{Name: "consul-ssl-ca-path", Value: "DIR", Set: into(func(c *config.Config) any { return &c.Consul.SSL.CAPath }),
			Help: "Folder of such files."},
		{Name: "consul-ssl-cert", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Consul.SSL.Cert }),
			Help: "Client certificate."},
		{Name: "consul-ssl-key", Value: "PATH", Set: into(func(c *config.Config) any { return &c.Consul.SSL.Key }),
			Help: "Its key, if not in the same file."},
		{Name: "consul-ssl-server-name", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Consul.SSL.ServerName }),
			Help: "Name the server's certificate must have."},
		{Name: "consul-transport-dial-timeout", Value: "DURATION",
			Set:  into(func(c *config.Config) any { return &c.Consul.Transport.DialTimeout }),
			Help: "Default 30s."},
		{Name: "consul-transport-dial-keep-alive", Value: "DURATION",
			Set:  into(func(c *config.Config) any { return &c.Consul.Transport.DialKeepAlive }),
			Help: "Default 30s."},
		{Name: "consul-transport-tls-handshake-timeout", Value: "DURATION",
			Set:  into(func(c *config.Config) any { return &c.Consul.Transport.TLSHandshakeTimeout }),
			Help: "Default 10s."},
		{Name: "consul-transport-disable-keep-alives",
			Set:  into(func(c *config.Config) any { return &c.Consul.Transport.DisableKeepAlives }),
			Help: "Use each connection for one request only."},
		{Name: "consul-transport-max-idle-conns-per-host", Value: "N",
			Set:  into(func(c *config.Config) any { return &c.Consul.Transport.MaxIdleConnsPerHost }),
			Help: "Unused connections that are kept (default -consul-max-connections)."},
	}
}

func otherFlags() []Flag {
	return []Flag{
		{Name: "log-level", Value: "LEVEL", late: true, Set: into(func(c *config.Config) any { return &c.LogLevel }),
			Help: "trace, debug, info, warn or err (default warn; info with -lb)."},
		{Name: "log-format", Value: "FORMAT", Set: into(func(c *config.Config) any { return &c.LogFormat }),
			Help: "text or json (default text)."},
		{Name: "log-file", Value: "PATH", Set: into(func(c *config.Config) any { return &c.LogFile.Path }),
			Help: "Also log to files that begin with PATH."},
		{Name: "log-rotate-bytes", Value: "N", Set: into(func(c *config.Config) any { return &c.LogFile.RotateBytes }),
			Help: "Begin a new file after N bytes (default 0, unlimited)."},
		{Name: "log-rotate-duration", Value: "DURATION", Set: into(func(c *config.Config) any { return &c.LogFile.RotateDuration }),
			Help: "Begin a new file after so long (default 24h)."},
		{Name: "log-rotate-max-files", Value: "N", Set: into(func(c *config.Config) any { return &c.LogFile.RotateMaxFiles }),
			Help: "Keep N older files; 0 keeps all, -1 none (default 0)."},
		{Name: "syslog", Set: into(func(c *config.Config) any { return &c.Syslog.Enabled }),
			Help: "Also log to syslog."},
		{Name: "syslog-facility", Value: "NAME", late: true, Set: into(func(c *config.Config) any { return &c.Syslog.Facility }),
			Help: "Its facility (default LOCAL0)."},
		{Name: "syslog-name", Value: "NAME", Set: into(func(c *config.Config) any { return &c.Syslog.Name }),
			Help: "What to log under (default the name of the program)."},
		{Name: "kill-signal", Value: "SIGNAL", Set: into(func(c *config.Config) any { return &c.KillSignal }),
			Help: "Signal that ends sluice (default SIGINT)."},
		{Name: "reload-signal", Value: "SIGNAL", Set: into(func(c *config.Config) any { return &c.ReloadSignal }),
			Help: "Signal on which settings and templates are read again (default SIGHUP)."},
		{Name: "pid-file", Value: "PATH", Set: into(func(c *config.Config) any { return &c.PIDFile }),
			Help: "File to keep the process ID in."},
		{Name: "version", Set: toggle(func(cl *CommandLine) *bool { return &cl.Version }), aliases: []string{"v"},
			Help: "Print the version."},
		{Name: "help", Set: toggle(func(cl *CommandLine) *bool { return &cl.Help }), aliases: []string{"h"},
			Help: "Print this text."},
	}
}

func addConfig(cl *CommandLine, path string) error {
	cl.Configs = append(cl.Configs, path)
	return nil
}

func addTemplate(cl *CommandLine, value string) error {
	t, err := config.ParseTemplate(value)
	if err != nil {
		return err
	}
	cl.Settings = append(cl.Settings, func(c *config.Config) error {
		c.Templates = append(c.Templates, t)
		return nil
	})
	return nil
}

// addListener collects listeners; together they take the place of those of
// the files, as any other flag does.
func addListener(cl *CommandLine, value string) error {
	l := config.Listener{Origin: "flag -lb"}
	err := l.UnmarshalText([]byte(value))
	cl.listeners = append(cl.listeners, l)
	return err
}

// addCertificates adds a source of certificates to those of the files.
func addCertificates(cl *CommandLine, value string) error {
	cl.Settings = append(cl.Settings, func(c *config.Config) error {
		c.LB.Certificates = append(c.LB.Certificates, config.Certificates{Origin: "flag -certificates", Text: dial.Secret(value)})
		return nil
	})
	return nil
}

// setErrorFatal also beats what templates say of themselves.
func setErrorFatal(cl *CommandLine, value string) error {
	cl.Settings = append(cl.Settings, func(c *config.Config) error {
		c.ErrorFatalForced = true
		return nil
	})
	return into(func(c *config.Config) any { return &c.TemplateErrorFatal })(cl, value)
}

func setToken(cl *CommandLine, value string) error {
	const hint = "-consul-token shows the ACL token to everyone who can list processes; use %s or $%s"
	cl.Warnings = append(cl.Warnings, fmt.Sprintf(hint, "-consul-token-file", "CONSUL_HTTP_TOKEN"))
	return into(func(c *config.Config) any { return &c.Consul.Token })(cl, value)
}

package flags

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/config/configtest"
	"github.com/sluiceproxy/sluice/internal/exit"
)

// Each case is a command line and the settings it makes that differ from the
// defaults.
func TestFlags(t *testing.T) {
	tests := []struct {
		args string
		want string
	}{
		{"", ""},
		{"-once --dry", "once = true"},
		{"-once=false", ""},
		{"-once=F --once=T", "once = true"},
		{"-template in.ctmpl", `
			template[0].origin = "-template in.ctmpl"
			template[0].source = "in.ctmpl"`},
		{"-template a:b -template=c:d:e", `
			template[0].origin = "-template a:b"
			template[0].source = "a"
			template[0].destination = "b"
			template[0].error_fatal = false
			template[0].on_command_error = "continue"
			template[1].origin = "-template c:d:e"
			template[1].source = "c"
			template[1].destination = "d"
			template[1].exec.command = ["e"]
			template[1].error_fatal = false
			template[1].on_command_error = "continue"`},
		{"-wait 5s", "wait.min = 5s\nwait.max = 20s"},
		{"-wait=1s:2s", "wait.min = 1s\nwait.max = 2s"},
		{"-once -wait 5s", "once = true"},
		{"-log-level DEBUG -log-format json", "log_level = DEBUG\nlog_format = \"json\""},
		{"-kill-signal sigterm -reload-signal=", "kill_signal = SIGTERM\nreload_signal = none"},
		{"-exec app -exec-kill-signal SIGTERM -exec-kill-timeout 1s -exec-reload-signal sighup -exec-splay 2s -exec-env-pristine " +
			"-exec-env-custom A=1,2 -exec-env-custom B=$C -exec-env-allowlist X* -exec-env-whitelist Y -exec-env-denylist Z", `
			exec.command = ["app"]
			exec.splay = 2s
			exec.kill_signal = SIGTERM
			exec.kill_timeout = 1s
			exec.reload_signal = SIGHUP
			exec.env.pristine = true
			exec.env.custom = ["A=1,2" "B=$C"]
			exec.env.allowlist = ["X*" "Y"]
			exec.env.denylist = ["Z"]`},
		{"-exec app", `
			exec.command = ["app"]
			exec.kill_signal = SIGINT
			exec.kill_timeout = 30s`},
		{"-once -once-timeout 5s -err-on-failed-lookup -parse-only -watch-files -block-query-wait 5s", `
			once = true
			once_timeout = 5s
			parse_only = true
			err_on_failed_lookup = true
			watch_files = true
			block_query_wait = 5s`},
		{"-log-file p -log-rotate-bytes 5 -log-rotate-duration 1h -log-rotate-max-files -1", `
			log_file.path = "p"
			log_file.log_rotate_bytes = 5
			log_file.log_rotate_duration = 1h0m0s
			log_file.log_rotate_max_files = -1`},
		{"-syslog-name edge", "syslog.enabled = true\nsyslog.name = \"edge\""},
		{"-syslog-facility local0 -syslog=false", "syslog.facility = LOCAL0"},
		{"-pid-file p -max-stale 0s", "pid_file = \"p\"\nmax_stale = 0s"},
		{"-default-left-delimiter [[ -default-right-delimiter ]]", "default_delimiters.left = \"[[\"\ndefault_delimiters.right = \"]]\""},
		{"-template-error-fatal=false", "template_error_fatal = false"},
		{"-consul-addr c:1 -consul-token planted -consul-token-file f", `
			consul.address = "c:1"
			consul.token = ***
			consul.token_file = "f"`},
		{"-consul-auth me:pass:word", `
			consul.auth.enabled = true
			consul.auth.username = "me"
			consul.auth.password = ***`},
		{"-consul-retry=false -consul-retry-attempts -1 -retry 1s -consul-retry-max-backoff 0s", `
			consul.retry.enabled = false
			consul.retry.attempts = -1
			consul.retry.backoff = 1s
			consul.retry.max_backoff = 0s`},
		{"-consul-ssl -consul-ssl-verify=false -consul-ssl-ca-cert a -consul-ssl-ca-path b -consul-ssl-cert c -consul-ssl-key d -consul-ssl-server-name e", `
			consul.ssl.enabled = true
			consul.ssl.verify = false
			consul.ssl.cert = "c"
			consul.ssl.key = "d"
			consul.ssl.ca_cert = "a"
			consul.ssl.ca_path = "b"
			consul.ssl.server_name = "e"`},
		{"-consul-transport-dial-timeout 1s -consul-transport-dial-keep-alive 2s -consul-transport-tls-handshake-timeout 3s " +
			"-consul-transport-disable-keep-alives -consul-transport-max-idle-conns-per-host 4", `
			consul.transport.dial_keep_alive = 2s
			consul.transport.dial_timeout = 1s
			consul.transport.disable_keep_alives = true
			consul.transport.max_idle_conns_per_host = 4
			consul.transport.tls_handshake_timeout = 3s`},
		{"-consul-namespace n -consul-datacenter d -consul-partition p -consul-max-connections 8", `
			consul.namespace = "n"
			consul.partition = "p"
			consul.datacenter = "d"
			consul.max_connections = 8`},
		{"-catalog dir -catalog-address 10.1.1.1", "catalog.path = \"dir\"\ncatalog.address = \"10.1.1.1\""},
		{"-lb :9999;name=web -lb :80 -exposed-by-default", `
			lb.listener[0].origin = "flag -lb"
			lb.listener[0].text = ":9999;name=web"
			lb.listener[1].origin = "flag -lb"
			lb.listener[1].text = ":80"
			tags.exposed_by_default = true
			admin.listen = "127.0.0.1:9998"
			log_level = INFO`},
		{"-lb :80 -admin off", `
			lb.listener[0].origin = "flag -lb"
			lb.listener[0].text = ":80"
log_level = INFO`},
		{"-admin [::1]:1", `admin.listen = "[::1]:1"`},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			cl, err := Parse(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if err := cl.NoMoreArgs(); err != nil {
				t.Fatal(err)
			}
			// Settings add up to the same however often they are loaded.
			for range 2 {
				c, err := cl.Load(configtest.NoEnv)
				if err != nil {
					t.Fatal(err)
				}
				want := strings.TrimSpace(strings.ReplaceAll(tt.want, "\t", ""))
				if diff := cmp.Diff(want, strings.TrimSuffix(configtest.Dump(c), "\n")); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestFlagsOfTheCommandLine(t *testing.T) {
	tests := []struct {
		args               []string
		help, version, dry bool
		rest               []string
	}{
		{args: []string{"-h"}, help: true},
		{args: []string{"--help"}, help: true},
		{args: []string{"-v"}, version: true},
		{args: []string{"-version", "-dry"}, version: true, dry: true},
		{args: []string{"-dry", "http://x/", "-once"}, dry: true, rest: []string{"http://x/", "-once"}},
		{args: []string{"--", "-dry"}, rest: []string{"-dry"}},
		{args: []string{"-"}, rest: []string{"-"}},
	}
	for _, tt := range tests {
		cl, err := Parse(tt.args)
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
		}
		if cl.Help != tt.help || cl.Version != tt.version || cl.Dry != tt.dry || !slices.Equal(cl.Args, tt.rest) {
			t.Errorf("%q: %+v", tt.args, cl)
		}
		if err := cl.NoMoreArgs(); (err != nil) != (len(tt.rest) > 0) {
			t.Errorf("%q: noMoreArgs: %v", tt.args, err)
		}
	}
}

func TestFlagFaults(t *testing.T) {
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"-tempalte", "a:b"}, "unknown flag -tempalte; did you mean -template?"},
		{[]string{"--consul-ad=x"}, "unknown flag -consul-ad; did you mean -consul-addr?"},
		{[]string{"-entirely-different"}, "unknown flag -entirely-different"},
		{[]string{"-=x"}, "unknown flag -"},
		{[]string{"-config"}, "flag -config needs a value: PATH"},
		{[]string{"-once=maybe"}, `flag -once: "maybe" is not true or false`},
		{[]string{"-template", " "}, "flag -template: the value is empty; give SRC, SRC:DST or SRC:DST:CMD"},
		{[]string{"-template", ":b"}, "flag -template: there is no source before the first colon; give SRC, SRC:DST or SRC:DST:CMD"},
		{[]string{"-wait", "5"}, `flag -wait: "5" is not MIN or MIN:MAX, two durations such as "5s:20s"`},
		{[]string{"-wait", "5s:1s"}, "flag -wait: the maximum, 1s, is less than the minimum, 5s"},
		{[]string{"-wait", "-5s"}, "flag -wait: a wait cannot be negative"},
		{[]string{"-max-stale", "2"}, `flag -max-stale: "2" is not a duration such as 250ms or 1m30s`},
		{[]string{"-consul-retry-attempts", "1.5"}, `flag -consul-retry-attempts: "1.5" is not a whole number`},
		{[]string{"-consul-auth", ""}, "flag -consul-auth: there is no user; give USER or USER:PASSWORD"},
		{[]string{"-kill-signal", "TERM"}, `flag -kill-signal: "TERM" is not the name of a signal; did you mean SIGTERM?`},
		{[]string{"-log-level", "inof"}, `flag -log-level: "inof" is not a log level: there are trace, debug, info, warn, err; did you mean info?`},
		{[]string{"-dedup=si"}, `flag -dedup: "si" is not true or false`},
	}
	for _, tt := range tests {
		_, err := Parse(tt.args)
		if err == nil {
			t.Errorf("%q: accepted", tt.args)
			continue
		}
		status := exit.Flags
		if tt.args[0] == "-log-level" {
			status = exit.Config
		}
		if err.Error() != tt.want || configtest.Status(t, err) != status {
			t.Errorf("%q: status %d, %v; want %s", tt.args, configtest.Status(t, err), err, tt.want)
		}
	}
}

// The command is what the shell handed over, to the byte.
func TestTemplateFlagKeepsTheCommand(t *testing.T) {
	tests := []struct{ value, source, destination, command string }{
		{"in:out:curl http://h:80/", "in", "out", "curl http://h:80/"},
		{"in:out:a::b:", "in", "out", "a::b:"},
		{"in:out: 'x'  ", "in", "out", " 'x'  "},
		{"in::cmd", "in", "", "cmd"},
		{"in:out:", "in", "out", ""},
		{"a:b", "a", "b", ""},
		{" in : out ", " in ", " out ", ""},
	}
	for _, tt := range tests {
		got, err := config.ParseTemplate(tt.value)
		if err != nil {
			t.Errorf("%q: %v", tt.value, err)
		}
		if got.Source != tt.source || got.Destination != tt.destination || strings.Join(got.Exec.Command, "\x00") != tt.command {
			t.Errorf("%q: %q %q %q", tt.value, got.Source, got.Destination, got.Exec.Command)
		}
	}
}

// The flag beats what templates say of themselves, the setting does not.
func TestTemplateErrorFatal(t *testing.T) {
	env := func(name string) string {
		if name == "CT_LOCAL_CONFIG" {
			return `template { source = "own" error_fatal = true } template { source = "none" } template_error_fatal = false`
		}
		return ""
	}
	for args, want := range map[string][]bool{
		"":                            {true, false},
		"-template-error-fatal":       {true, true},
		"-template-error-fatal=false": {false, false},
	} {
		cl, err := Parse(strings.Fields(args))
		if err != nil {
			t.Fatal(err)
		}
		c, err := cl.Load(env)
		if err != nil {
			t.Fatal(err)
		}
		if got := []bool{c.Templates[0].ErrorFatal.Value, c.Templates[1].ErrorFatal.Value}; !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", args, got, want)
		}
	}
}

func TestTokenOnTheCommandLineWarns(t *testing.T) {
	cl, err := Parse([]string{"-consul-token", "planted"})
	if err != nil {
		t.Fatal(err)
	}
	if len(cl.Warnings) != 1 || strings.Contains(fmt.Sprint(cl.Warnings), "planted") {
		t.Errorf("%q", cl.Warnings)
	}
}

func TestFlagNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for f := range allFlags() {
		for _, name := range append([]string{f.Name}, f.aliases...) {
			if seen[name] {
				t.Errorf("-%s is there twice", name)
			}
			seen[name] = true
		}
		if f.Help == "" || !strings.HasSuffix(f.Help, ".") {
			t.Errorf("-%s: help is not a sentence", f.Name)
		}
	}
}

func FuzzFlags(f *testing.F) {
	f.Add("-template a:b:c -lb :80;name=x -wait 1s:2s")
	f.Add("-consul-auth a:b -log-level info -- x")
	f.Add("-kill-signal SIGINT -once=1 --dry")
	f.Fuzz(func(t *testing.T, line string) {
		cl, err := Parse(strings.Split(line, " "))
		if err != nil {
			configtest.Status(t, err)
			return
		}
		cl.Configs = nil // no reading of files the fuzzer names
		if _, err := cl.Load(configtest.NoEnv); err != nil {
			configtest.Status(t, err)
		}
	})
}

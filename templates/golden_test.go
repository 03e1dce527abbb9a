package templates_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/templates"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instance of a service on a node of its own.
func instance(name, id, address string, port int, meta map[string]string) watch.Instance {
	return watch.Instance{
		Node: watch.NodeInfo{Name: "node-" + id, Address: "192.0.2.9"},
		Service: watch.ServiceInfo{
			ID: id, Name: name, Address: address, Port: port, Meta: meta,
			Weights: watch.Weights{Passing: 1, Warning: 1},
		},
	}
}

func weighing(i watch.Instance, passing int) watch.Instance {
	i.Service.Weights.Passing = passing
	return i
}

// catalog is one of everything: plain services, and what somebody may register
// to do harm.
func catalog() map[watch.Query]any {
	expose := func(path string) map[string]string { return map[string]string{"expose": path} }
	services := map[string][]watch.Instance{
		"api": {
			instance("api", "1", "10.0.0.1", 8080, expose("/api/")),
			weighing(instance("api", "2", "", 8080, expose("/api/")), 1000),
			weighing(instance("api", "3", "2001:db8::3", 8080, nil), 0),
			instance("api", "4", "10.0.0.1", 8080, nil), // the same address again
		},
		"api-admin":   {instance("api-admin", "1", "10.0.0.5", 80, expose("/api/admin/"))},
		"claims-same": {instance("claims-same", "1", "10.0.0.6", 80, expose("/api/"))},
		"database":    {instance("database", "1", "10.0.0.7", 5432, nil)},
		"dns-name":    {instance("dns-name", "1", "host.invalid", 80, expose("/dns/"))},
		"evil":        {instance("evil", "1", "10.0.0.8;}", 80, nil), instance("evil", "2", "10.0.0.8", 80, expose("/x { } #\n"))},
		"no-port":     {instance("no-port", "1", "10.0.0.9", 0, nil)},
		"Web":         {instance("Web", "1", "10.0.0.10", 80, nil)},
		"web":         {instance("web", "2", "10.0.0.10", 80, nil)},
		"odd.name; }": {instance("odd.name; }", "1", "10.0.0.11", 80, nil)},
		"unhealthy":   nil,
	}
	answers := make(map[watch.Query]any)
	var list []watch.ServiceTags
	for name, instances := range services {
		list = append(list, watch.ServiceTags{Name: name})
		answers[watch.Health{Service: name, PassingOnly: true}] = instances
	}
	answers[watch.Services{}] = list
	return answers
}

// environment makes the goldens fit for a machine on which nobody is root.
func environment(name string) (string, bool) {
	value, set := map[string]string{
		"NGINX_LISTEN": "127.0.0.1:8080",
		"HAPROXY_BIND": "127.0.0.1:8080",
	}[name]
	return value, set
}

func get(t *testing.T, name string) render.Template {
	t.Helper()
	text, err := templates.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	template := render.DefaultTemplate()
	template.Contents = string(text)
	return template
}

func TestGoldens(t *testing.T) {
	for _, name := range templates.Names() {
		for catalogName, answers := range map[string]map[watch.Query]any{
			"full":  catalog(),
			"empty": {watch.Services{}: nil},
		} {
			golden := filepath.Join("testdata", name+"-"+catalogName+".golden")
			t.Run(golden, func(t *testing.T) {
				program, err := render.Parse(get(t, name))
				if err != nil {
					t.Fatal(err)
				}
				e, err := program.Execute(funcs.Inputs{Snapshot: watchtest.Snapshot(answers), Env: environment})
				if err != nil {
					t.Fatal(err)
				}
				if len(e.Missing) > 0 {
					t.Fatalf("missing %v", e.Missing)
				}
				if *update {
					if err := os.WriteFile(golden, e.Text, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(e.Text)); diff != "" {
					t.Errorf("differs from the golden file (-want +got); run with -update if it should:\n%s", diff)
				}
			})
		}
	}
}

func TestProgramsAcceptGoldens(t *testing.T) {
	checks := map[string][]string{
		"nginx":   {"-t", "-q", "-p", "PREFIX", "-e", "stderr", "-g", "pid nginx.pid;", "-c"},
		"haproxy": {"-c", "-q", "-f"},
	}
	for name := range checks {
		for _, catalogName := range []string{"full", "empty"} {
			t.Run(name+" "+catalogName, func(t *testing.T) {
				program := parts.Path(t, name)
				golden, err := filepath.Abs(filepath.Join("testdata", name+"-"+catalogName+".golden"))
				if err != nil {
					t.Fatal(err)
				}
				prefix := t.TempDir()
				if err := os.Mkdir(filepath.Join(prefix, "temp"), 0o755); err != nil {
					t.Fatal(err)
				}
				if name == "nginx" {
					golden = including(t, prefix, golden)
				}
				args := append(slices.Clone(checks[name]), golden)
				for i, arg := range args {
					args[i] = strings.ReplaceAll(arg, "PREFIX", prefix)
				}
				if out, err := exec.Command(program, args...).CombinedOutput(); err != nil || len(out) > 0 {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

// including returns the path of a whole configuration of nginx, as packages
// have it, with file as part of its http block. It needs no root.
func including(t *testing.T, dir, file string) string {
	t.Helper()
	text := "worker_processes 2;\nworker_shutdown_timeout 5s;\nevents {}\nhttp {\n  access_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		text += "  " + kind + "_temp_path temp/" + kind + ";\n"
	}
	path := filepath.Join(dir, "including.conf")
	if err := os.WriteFile(path, []byte(text+"  include "+file+";\n}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUpstreamsAreJSON(t *testing.T) {
	for _, name := range []string{"full", "empty"} {
		text, err := os.ReadFile(filepath.Join("testdata", "upstreams-"+name+".golden"))
		if err != nil {
			t.Fatal(err)
		}
		var services map[string][]struct {
			Address      string
			Port, Weight int
			Path         string
		}
		if err := json.Unmarshal(text, &services); err != nil {
			t.Fatal(err)
		}
		if name == "full" && services["evil"][1].Path != "/x { } #\n" {
			t.Errorf("what was registered has changed: %+v", services["evil"])
		}
	}
}

func TestUnknownTemplate(t *testing.T) {
	if _, err := templates.Get("apache"); err == nil || !strings.Contains(err.Error(), "@haproxy, @nginx") {
		t.Errorf("error %v does not list what there is", err)
	}
}

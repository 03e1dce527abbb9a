package funcs

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

var (
	passingWeb = watch.Health{Service: "web", PassingOnly: true}
	allWeb     = watch.Health{Service: "web"}
	motd       = watch.Key{Path: "app/motd"}
	app        = watch.Prefix{Path: "app"}
)

func TestDataFunctions(t *testing.T) {
	instances := []watch.Instance{
		instance("n2", "web-1", "", watch.Passing),
		instance("n1", "web-2", "192.0.2.1", watch.Passing, watch.Warning),
		instance("n1", "web-1", "192.0.2.2", watch.Critical),
		maintenance(instance("n1", "web-3", "192.0.2.3", watch.Passing)),
		instance("n3", "web-1", "192.0.2.4"),
	}
	store := []watch.Pair{
		{Key: "app/", Value: ""}, {Key: "app/db/host", Value: "h"}, {Key: "app/db/port", Value: "1"},
		{Key: "app/motd", Value: "hi", Flags: 7}, {Key: "apple/core", Value: "c"},
	}
	answers := map[watch.Query]any{
		passingWeb: instances,
		allWeb:     instances,
		watch.Health{Service: "web", PassingOnly: true, Near: "n9"}:    instances,
		watch.Health{Service: "web", PassingOnly: true, Connect: true}: instances[:1],
		watch.Services{}:                   []watch.ServiceTags{{Name: "web", Tags: []string{"b", "A", "1"}}, {Name: "api"}},
		motd:                               &watch.Pair{Key: "app/motd", Value: "hi"},
		watch.Key{Path: "app/empty"}:       &watch.Pair{Key: "app/empty"},
		watch.Key{Path: "app/none"}:        (*watch.Pair)(nil),
		app:                                store,
		watch.Prefix{Path: "app/"}:         store[:4],
		watch.Prefix{}:                     store,
		watch.Nodes{}:                      []watch.NodeInfo{{Name: "n2"}, {Name: "n1", Address: "b"}, {Name: "n1", Address: "a"}},
		watch.Node{Name: "n1"}:             &watch.NodeServices{Node: watch.NodeInfo{Name: "n1", Address: "a"}, Services: []watch.ServiceInfo{{Name: "web", ID: "2"}, {Name: "web", ID: "1"}, {Name: "api"}}},
		watch.Node{Name: "n9"}:             (*watch.NodeServices)(nil),
		watch.Datacenters{}:                []string{"dc2", "dc1"},
		watch.Datacenters{Reachable: true}: []string{"dc1"},
		watch.File{Path: "/etc/motd"}:      "hello",
	}
	tests := []struct{ name, text, want string }{
		{"service by node then ID", `{{range service "web"}}{{.Node}}/{{.ID}} {{end}}`, "n2/web-1 n3/web-1 "},
		{"service near keeps order", `{{range service "web~n9"}}{{.Node}} {{end}}`, "n2 n3 "},
		{"service any", `{{range service "web|any"}}{{.Node}}/{{.ID}}={{.Status}} {{end}}`, "n1/web-1=critical n1/web-2=warning n1/web-3=maintenance n2/web-1=passing n3/web-1=passing "},
		{"service filter argument", `{{range service "web" "warning,critical"}}{{.Status}} {{end}}`, "critical warning "},
		{"service maintenance", `{{range service "web|maintenance"}}{{.ID}}{{end}}`, "web-3"},
		{"service fields", `{{with index (service "web") 0}}{{.Name}} {{.Address}}:{{.Port}} {{.Tags}} {{.NodeID}} {{.NodeAddress}} {{.Weights.Passing}} {{len .Checks}}{{end}}`, "web 10.0.0.2:80 [B a b] id-n2 10.0.0.2 0 1"},
		{"service tags", `{{with index (service "web") 0}}{{.Tags | join "+"}} {{in .Tags "a"}} {{.Tags | contains "x"}} {{.Tags.Contains "b"}} {{index .Tags 0}}{{end}}`, "B+a+b true false true B"},
		{"service empty argument", `{{service ""}}`, "[]"},
		{"connect", `{{range connect "web"}}{{.ID}}{{end}}`, "web-1"},
		{"services", `{{range services}}{{.Name}}{{.Tags}} {{end}}`, "api[] web[1 A b] "},
		{"key", `{{key "app/motd"}} {{key "/app/motd"}}{{key "app/empty"}}`, "hi hi"},
		{"keyExists", `{{keyExists "app/motd"}} {{keyExists "app/empty"}} {{keyExists "app/none"}}`, "true true false"},
		{"keyOrDefault", `{{keyOrDefault "app/motd" "d"}} {{keyOrDefault "app/empty" "d"}} {{keyOrDefault "app/none" "d"}}`, "hi d d"},
		{"ls", `{{range ls "app/"}}{{.Key}}={{.Value}}({{.Path}} {{.Flags}}) {{end}}`, "motd=hi(app/motd 7) "},
		{"tree is textual", `{{range tree "app"}}{{.Key}} {{end}}`, "db/host db/port motd le/core "},
		{"tree of all", `{{range tree "/"}}{{.Key}} {{end}}`, "app/db/host app/db/port app/motd apple/core "},
		{"nodes", `{{range nodes}}{{.Node}}{{.Address}} {{end}}`, "n1a n1b n2 "},
		{"node", `{{with node "n1"}}{{.Node.Address}}{{range .Services}} {{.Service}}{{.ID}}{{end}}{{end}}`, "a api web1 web2"},
		{"node unknown", `{{with node "n9"}}{{.Services}}{{if not .Node}} nobody{{end}}{{end}}`, "[] nobody"},
		{"datacenters", `{{datacenters}} {{datacenters true}}`, "[dc1 dc2] [dc1]"},
		{"file", `{{file "/etc/motd"}}`, "hello"},
		{"env", `{{env "HOME"}}{{env "UNSET"}} {{envOrDefault "UNSET" "d"}} {{envOrDefault "EMPTY" "d"}} {{mustEnv "HOME"}}`, "/root d  /root"},
		{"timestamp", `{{timestamp}} {{timestamp "unix"}} {{timestamp "2006"}}`, "2026-01-02T02:04:05Z 1767319445 2026"},
		{"byTag", `{{range $tag, $list := services | byTag}}{{$tag}}:{{range $list}}{{.Name}}{{end}} {{end}}`, "1:web A:web b:web "},
		{"byKey", `{{range $top, $pairs := tree "app/" | byKey}}{{$top}}:{{range $k, $p := $pairs}} {{$k}}={{$p.Value}} {{$p.Key}} {{$p.Path}}{{end}}{{end}}`, "db: host=h host app/db/host port=1 port app/db/port"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, b, err := run(test.text, answers)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
			if missing := b.Missing(); len(missing) > 0 {
				t.Errorf("missing: %s", describe(missing))
			}
		})
	}
}

// Before any data has come each function gives a harmless value and says what
// it lacks.
func TestFirstPass(t *testing.T) {
	tests := []struct{ text, want, missing string }{
		{`{{key "a"}}`, "", "key a"},
		{`{{keyExists "a"}}`, "false", "key a"},
		{`{{keyOrDefault "a" "d"}}`, "d", "key a"},
		{`{{ls "a"}}{{tree "a"}}`, "[][]", "prefix a"},
		{`{{service "web"}}`, "[]", "service web|passing"},
		{`{{services}}`, "[]", "services"},
		{`{{nodes}}`, "[]", "nodes"},
		{`{{with node "n"}}there{{end}}`, "", "node n"},
		{`{{datacenters}}`, "[]", "datacenters"},
		{`{{file "f"}}`, "", "file f"},
		{`{{key ""}}{{keyExists ""}}{{ls ""}}{{tree ""}}{{service ""}}{{file ""}}`, "false[][][]", ""},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, b, err := run(test.text, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if m := describe(b.Missing()); m != test.missing {
				t.Errorf("missing %q, want %q", m, test.missing)
			}
		})
	}
}

// What counts as missing once the source has answered.
func TestMissingAfterAnswer(t *testing.T) {
	answers := map[watch.Query]any{motd: (*watch.Pair)(nil), app: []watch.Pair(nil)}
	tests := []struct{ text, missing string }{
		{`{{key "app/motd"}}`, "key app/motd"},
		{`{{keyExists "app/motd"}}`, ""},
		{`{{keyOrDefault "app/motd" "d"}}`, ""},
		{`{{keyExists "app/motd"}}{{key "app/motd"}}{{keyExists "app/motd"}}`, "key app/motd"},
		{`{{ls "app"}}`, ""},
		{`{{safeLs "app"}}`, "prefix app"},
		{`{{safeTree "app"}}{{tree "app"}}`, "prefix app"},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			_, b, err := run(test.text, answers)
			if err != nil {
				t.Fatal(err)
			}
			if m := describe(b.Missing()); m != test.missing {
				t.Errorf("missing %q, want %q", m, test.missing)
			}
			if len(b.Used()) != 1 {
				t.Errorf("used %q, want one query", describe(b.Used()))
			}
		})
	}
}

func TestMalformedArgument(t *testing.T) {
	for _, call := range []string{
		`service "web" "passing" "warning"`, `service "a b"`, `services "x"`, `nodes "x"`, `node "a b"`,
		`key "a@b@c"`, `keyExists "a?x=1"`, `ls "a@"`, `datacenters true false`, `timestamp "a" "b"`, `mustEnv "EMPTY"`,
	} {
		_, b, err := run("{{"+call+"}}", nil)
		function, _, _ := strings.Cut(call, " ")
		if err == nil || !strings.Contains(err.Error(), "error calling "+function) {
			t.Errorf("%s: error %v, want one of %s", call, err, function)
		}
		if len(b.Used()) > 0 {
			t.Errorf("%s: asks for %s", call, describe(b.Used()))
		}
	}
}

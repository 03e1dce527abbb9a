package funcs

import (
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

func TestMeshFunctions(t *testing.T) {
	after := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	answers := map[watch.Query]any{
		watch.CARoots{}:              []watch.CARoot{{ID: "r", PEM: "pem", NotAfter: &after}},
		watch.CALeaf{Service: "web"}: &watch.LeafCertificate{Service: "web", PrivateKeyPEM: "key", ValidAfter: after},
		watch.Partitions{}:           []watch.Partition{{Name: "b"}, {Name: "a", Description: "d"}},
		watch.Peerings{}: []watch.Peering{
			{Name: "b", State: "PENDING"}, {Name: "c", State: "ACTIVE", Partition: "p"}, {Name: "z", State: "ACTIVE"}, {Name: "a", State: "ACTIVE"},
		},
		watch.Peerings{Partition: "p"}:         []watch.Peering{{Name: "c", RemoteDatacenter: "dc2"}},
		watch.ExportedServices{}:               []watch.ExportedService{{Service: "web", Peers: []string{"east"}}, {Service: "api"}},
		watch.ExportedServices{Partition: "p"}: []watch.ExportedService{{Service: "db", Partitions: []string{"q"}}},
		watch.ImportedServices{Partition: "p"}: []watch.ImportedService{{Service: "web"}, {Service: "api", SourcePartition: "q"}},
	}
	tests := []struct{ text, want string }{
		{`{{range caRoots}}{{.ID}} {{.RootCertPEM}}{{end}}`, "r pem"},
		{`{{range caRoots}}{{toJSON .}}{{end}}`, `{"ID":"r","Name":"","RootCert":"pem","Active":false,"NotAfter":"2026-01-02T03:04:05Z","CreateIndex":0,"ModifyIndex":0}`},
		{`{{with caLeaf "web"}}{{.Service}} {{.PrivateKeyPEM}} {{.ValidAfter.Year}}{{end}}{{caLeaf ""}}`, "web key 2026<no value>"},
		{`{{range partitions}}{{.Name}} {{.Description}}{{end}}`, "a db "},
		{`{{range peerings}}{{.Name}} {{end}}`, "a z c b "},
		{`{{range peerings "?partition=p"}}{{.Name}} {{.Remote.Datacenter}}{{end}}`, "c dc2"},
		{`{{range exportedServices}}{{.Service}} {{.Consumers.Peers}} {{end}}`, "api [] web [east] "},
		{`{{range exportedServices "p"}}{{.Service}} {{.Consumers.Partitions}}{{end}}`, "db [q]"},
		{`{{range importedServices "p"}}{{.Service}} {{.SourcePartition}} {{end}}`, "api q web  "},
	}
	for _, test := range tests {
		got, b, err := run(test.text, answers)
		if err != nil || got != test.want || len(b.Missing()) > 0 {
			t.Errorf("%s: got %q, missing %q, error %v; want %q", test.text, got, describe(b.Missing()), err, test.want)
		}
	}
	first := `{{caRoots}}{{caLeaf "web"}}{{partitions}}{{peerings}}{{exportedServices}}{{importedServices "p"}}`
	got, b, err := run(first, nil)
	if want := "[]<no value>[][][][]"; err != nil || got != want || len(b.Missing()) != 6 {
		t.Errorf("first pass: got %q, missing %q, error %v; want %q", got, describe(b.Missing()), err, want)
	}
	for _, call := range []string{`peerings "x"`, `peerings "@dc"`, `exportedServices "a" "b"`, `importedServices ""`, `importedServices`} {
		if got, _, err := run("{{"+call+"}}", nil); err == nil {
			t.Errorf("%s gave %q, want an error", call, got)
		}
	}
}

func TestCheckDefinition(t *testing.T) {
	i := instance("n1", "web-1", "", watch.Passing)
	i.Checks[0].Definition = &watch.CheckDefinition{HTTP: "http://h/", Interval: 90 * time.Second}
	answers := map[watch.Query]any{passingWeb: []watch.Instance{i}}
	text := `{{range service "web"}}{{.Checks.AggregatedStatus}}{{range .Checks}} {{.Definition.Interval}} {{.Definition.IntervalDuration.Seconds}} {{.Definition.Timeout}} {{end}} {{toJSON .Checks}}{{end}}`
	want := `passing 1m30s 90 0s  [{"Node":"","CheckID":"c","Name":"","Status":"passing","Notes":"","Output":"","ServiceID":"","ServiceName":"","ServiceTags":null,"Type":"","ExposedPort":0,` +
		`"Definition":{"Interval":"1m30s","Timeout":"0s","DeregisterCriticalServiceAfter":"0s","HTTP":"http://h/","Header":null,` +
		`"Method":"","Body":"","TLSServerName":"","TLSSkipVerify":false,"TCP":"","TCPUseTLS":false,"UDP":"","GRPC":"","OSService":"","GRPCUseTLS":false},"CreateIndex":0,"ModifyIndex":0}]`
	got, _, err := run(text, answers)
	if err != nil || got != want {
		t.Errorf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

func TestOwnFunctions(t *testing.T) {
	answers := map[watch.Query]any{
		motd:                        &watch.Pair{Value: "hi"},
		watch.Key{Path: "app/none"}: (*watch.Pair)(nil),
		watch.Health{Service: "a.b", Tag: "urlprefix-/x", Filter: "f", Near: "n", Scope: watch.Scope{Datacenter: "d"}, PassingOnly: true}: []watch.Instance{instance("n1", "a.b-1", "")},
		watch.Health{Service: "a.b"}: []watch.Instance{instance("n1", "bad", "", watch.Critical), instance("n1", "good", "")},
	}
	tests := []struct{ text, want, missing, err string }{
		{text: `{{mustKey "app/motd"}}{{keyOrError "app/motd" "why"}}`, want: "hihi"},
		{text: `{{mustKey "app/none"}}`, err: `key "app/none": it does not exist`},
		{text: `{{keyOrError "app/none" "set it by hand"}}`, err: `key "app/none": set it by hand`},
		{text: `{{mustKey "other"}}`, missing: "key other"},
		{text: `{{mustKey "a@"}}`, err: `mustKey "a@": nothing follows '@' (want path?query@dc)`},
		{text: `{{keyOrError "a@" "why"}}`, err: `keyOrError "a@": nothing follows '@' (want path?query@dc)`},
		{text: `{{range serviceByName "a.b" (sprig_dict "tag" "urlprefix-/x" "filter" "f" "near" "n" "dc" "d")}}{{.ID}}{{end}}`, want: "a.b-1"},
		{text: `{{range serviceByName "a.b" (sprig_dict "status" "critical")}}{{.ID}}{{end}}`, want: "bad"},
		{text: `{{serviceByName ""}}`, want: "[]"},
		{text: `{{serviceByName "x" (sprig_dict "tga" "t")}}`, err: `unknown option "tga" (known: dc, filter,`},
		{text: `{{serviceByName "x" (sprig_dict "status" "nope")}}`, err: `unknown state "nope"`},
		{text: `{{serviceByName "x" (sprig_dict) (sprig_dict)}}`, err: "3 arguments given"},
	}
	for _, test := range tests {
		got, b, err := run(test.text, answers)
		if !matches(err, test.err) || err == nil && got != test.want || describe(b.Missing()) != test.missing {
			t.Errorf("%s: got %q, missing %q, error %v", test.text, got, describe(b.Missing()), err)
		}
	}
}

package consul

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

func TestFetch_Mesh(t *testing.T) {
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	days := 7
	for _, test := range []struct {
		query watch.Query
		uri   string
		body  string
		want  any
	}{
		{
			watch.CARoots{}, "/v1/agent/connect/ca/roots",
			`{"ActiveRootID":"r","Roots":[{"ID":"r","Name":"n","RootCert":"pem","Active":true,"NotBefore":"2026-01-02T03:04:05Z","DaysRemaining":7,"CreateIndex":1,"ModifyIndex":2}]}`,
			[]watch.CARoot{{ID: "r", Name: "n", PEM: "pem", Active: true, NotBefore: &when, DaysRemaining: &days, CreateIndex: 1, ModifyIndex: 2}},
		},
		{
			watch.CALeaf{Service: "a b"}, "/v1/agent/connect/ca/leaf/a%20b",
			`{"SerialNumber":"1","CertPEM":"c","PrivateKeyPEM":"k","Service":"a b","ServiceURI":"u","ValidAfter":"2026-01-02T03:04:05Z"}`,
			&watch.LeafCertificate{SerialNumber: "1", CertPEM: "c", PrivateKeyPEM: "k", Service: "a b", ServiceURI: "u", ValidAfter: when},
		},
		{
			watch.Partitions{}, "/v1/partitions",
			`[{"Name":"default","Description":"d","ModifyIndex":4}]`,
			[]watch.Partition{{Name: "default", Description: "d"}},
		},
		{
			watch.Peerings{Partition: "p"}, "/v1/peerings?partition=p",
			`[{"ID":"i","Name":"east","State":"ACTIVE","Remote":{"Datacenter":"dc2"},"StreamStatus":{"ImportedServices":["a"],"LastSend":"2026-01-02T03:04:05Z"}}]`,
			[]watch.Peering{{ID: "i", Name: "east", State: "ACTIVE", RemoteDatacenter: "dc2", Stream: watch.PeeringStream{ImportedServices: []string{"a"}, LastSend: &when}}},
		},
		{
			watch.ExportedServices{}, "/v1/exported-services",
			`[{"Service":"web","Consumers":{"Peers":["east"],"Partitions":["q"]}}]`,
			[]watch.ExportedService{{Service: "web", Peers: []string{"east"}, Partitions: []string{"q"}}},
		},
		{
			watch.ImportedServices{Partition: "p"}, "/v1/imported-services?partition=p",
			`[{"Service":"web","SourcePartition":"q"}]`,
			[]watch.ImportedService{{Service: "web", SourcePartition: "q"}},
		},
		{
			watch.ImportedServices{}, "/v1/imported-services",
			`{"Partition":"default","ImportedServices":[{"Service":"web"}]}`,
			[]watch.ImportedService{{Service: "web"}},
		},
	} {
		t.Run(test.query.String(), func(t *testing.T) {
			server := serve(t, 200, test.body, nil)
			reply, err := newSource(t, Config{Address: server.URL}).Fetch(t.Context(), watch.Request{Query: test.query})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, reply.Value); diff != "" {
				t.Error(diff)
			}
			if got := server.last(t).RequestURI; got != test.uri {
				t.Errorf("asked %s, want %s", got, test.uri)
			}
			if _, polled := test.query.(watch.Partitions); polled != (reply.Poll > 0) {
				t.Errorf("poll %v, index %d", reply.Poll, reply.Index)
			}
		})
	}
	s := newSource(t, Config{Address: serve(t, 200, `null`, nil).URL})
	for _, q := range []watch.Query{watch.CALeaf{}, watch.CALeaf{Service: "web"}} {
		if reply, err := s.Fetch(t.Context(), watch.Request{Query: q}); err == nil {
			t.Errorf("%s gave %v", q, reply.Value)
		}
	}
}

func TestReal_Mesh(t *testing.T) {
	consul := parts.StartConsul(t)
	consul.Do("POST", "/v1/peering/token", `{"PeerName":"east"}`)
	consul.Do("PUT", "/v1/config", `{"Kind":"exported-services","Name":"default","Services":[{"Name":"web","Consumers":[{"Peer":"east"}]}]}`)
	s := newSource(t, web(consul))
	if roots, _ := fetch(t, s, watch.CARoots{}); len(roots) != 1 || !roots[0].Active || roots[0].PEM == "" || roots[0].NotAfter == nil {
		t.Errorf("roots %+v", roots)
	}
	if leaf, _ := fetch(t, s, watch.CALeaf{Service: "web"}); leaf.Service != "web" || leaf.PrivateKeyPEM == "" || !leaf.ValidBefore.After(leaf.ValidAfter) {
		t.Errorf("leaf of %q, valid from %v to %v", leaf.Service, leaf.ValidAfter, leaf.ValidBefore)
	}
	if peerings, _ := fetch(t, s, watch.Peerings{}); len(peerings) != 1 || peerings[0].Name != "east" || peerings[0].State != "PENDING" {
		t.Errorf("peerings %+v", peerings)
	}
	want := []watch.ExportedService{{Service: "web", Peers: []string{"east"}}}
	if exported, _ := fetch(t, s, watch.ExportedServices{}); !cmp.Equal(exported, want) {
		t.Errorf("exported services: %s", cmp.Diff(want, exported))
	}
}

func TestCheckDefinition(t *testing.T) {
	for text, want := range map[string]*watch.CheckDefinition{
		`{"Definition":{}}`:   nil,
		`{"Definition":null}`: nil,
		`{}`:                  nil,
		`{"Definition":{"HTTP":"h","Header":{"a":["b"]}}}`: {HTTP: "h", Header: map[string][]string{"a": {"b"}}},
		`{"Definition":{"Interval":"10s","Timeout":""}}`:   {Interval: 10 * time.Second},
		`{"Definition":{"Timeout":5000}}`:                  {Timeout: 5 * time.Microsecond},
	} {
		var wire wireCheck
		err := json.Unmarshal([]byte(text), &wire)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, wire.check().Definition); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
	for _, text := range []string{`{"Definition":{"Interval":"soon"}}`, `{"Definition":{"Interval":[]}}`, `{"Definition":5}`} {
		if err := json.Unmarshal([]byte(text), &wireCheck{}); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}

func FuzzDecodeMesh(f *testing.F) {
	for _, seed := range []string{``, `null`, `[]`, `{}`, `{"Roots":[{}]}`, `[{"Consumers":null}]`, `{"ImportedServices":[{}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		check(t, decodeRoots, watch.CARoots{}, body)
		check(t, decodeLeaf, watch.CALeaf{}, body)
		check(t, decodePartitions, watch.Partitions{}, body)
		check(t, decodePeerings, watch.Peerings{}, body)
		check(t, decodeExported, watch.ExportedServices{}, body)
		check(t, decodeImported, watch.ImportedServices{}, body)
	})
}

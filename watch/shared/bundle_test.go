package shared

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
)

var web = watch.Health{Scope: watch.Scope{Datacenter: "dc2"}, Service: "web", Tag: "a", PassingOnly: true}

// every is one query of each kind with an answer that tells nil from empty.
var every = map[watch.Query]any{
	watch.Services{Filter: "f"}: []watch.ServiceTags{{Name: "web", Tags: []string{"b", "a"}}, {Name: "api"}, {Name: "x", Tags: []string{}}},
	web: []watch.Instance{{
		Node:    watch.NodeInfo{Name: "n", Meta: map[string]string{"k": "v"}, TaggedAddresses: map[string]string{}},
		Service: watch.ServiceInfo{ID: "web-1", Name: "web", Port: 80, Weights: watch.Weights{Passing: 1}, ModifyIndex: 1 << 63},
		Checks:  []watch.Check{{ID: "c", Output: "<ok>\n", Definition: &watch.CheckDefinition{Interval: time.Second, Header: map[string][]string{"A": {"b"}}}}},
	}},
	watch.Key{Path: "a/b"}:                            &watch.Pair{Key: "a/b", Value: "\x00\xff\xfe binary", Flags: 7, Session: "s"},
	watch.Key{Path: "absent"}:                         (*watch.Pair)(nil),
	watch.Prefix{Path: "a/"}:                          []watch.Pair{{Key: "a/b", Value: "\xff"}, {Key: "a/c"}},
	watch.Prefix{Path: "none"}:                        []watch.Pair(nil),
	watch.Prefix{Path: "empty"}:                       []watch.Pair{},
	watch.Keys{Path: "a", Separator: "/"}:             []string{"a/b"},
	watch.Nodes{Near: "n"}:                            []watch.NodeInfo{{ID: "1", Name: "n", Address: "10.0.0.1"}},
	watch.Datacenters{Reachable: true}:                []string{"dc1"},
	watch.Partitions{}:                                []watch.Partition{{Name: "p", Description: "d"}},
	watch.ExportedServices{Partition: "p"}:            []watch.ExportedService{{Service: "web", Peers: []string{"x"}}},
	watch.ImportedServices{Partition: "p"}:            []watch.ImportedService{{Service: "web", Namespace: "n"}},
	watch.NomadServices{Region: "eu"}:                 []watch.ServiceTags{{Name: "web"}},
	watch.NomadService{Name: "w", Count: 2, Key: "k"}: []watch.NomadInstance{{ID: "i", Port: 1, Tags: []string{}}},
}

func known(answers map[watch.Query]any) *watch.Snapshot {
	entries := make(map[watch.Query]watch.Entry)
	for q, a := range answers {
		entries[q] = watch.Entry{Value: a, Known: true, Version: 1}
	}
	return watch.NewSnapshot(1, entries)
}

func encode(t *testing.T, s *watch.Snapshot, queries ...watch.Query) string {
	t.Helper()
	text, err := Encode(queries, s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAnswersArriveAsTheyWere(t *testing.T) {
	kindsSeen := map[string]bool{}
	var queries []watch.Query
	for q := range every {
		queries = append(queries, q)
		kindsSeen[reflect.TypeOf(q).Name()] = true
	}
	if len(kindsSeen) != len(kinds) {
		t.Errorf("%d kinds are tried, and there are %d", len(kindsSeen), len(kinds))
	}
	text := encode(t, known(every), queries...)
	if text != encode(t, known(every), queries...) {
		t.Error("equal answers give other bytes")
	}
	b, err := Decode(text, Bundle{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[watch.Query]any{}
	for q, a := range b.All {
		got[q] = a.Value
	}
	if diff := cmp.Diff(every, got); diff != "" {
		t.Errorf("-sent +received:\n%s", diff)
	}
}

func TestOnlyWhatAllMaySeeIsShared(t *testing.T) {
	for _, q := range []watch.Query{
		watch.File{Path: "/etc/shadow"}, watch.Node{}, watch.CARoots{}, watch.CALeaf{Service: "web"}, watch.Peerings{},
		watch.VaultSecret{Path: "secret/a"}, watch.VaultList{}, watch.VaultCertificate{}, watch.PreparedQuery{Name: "q"},
		watch.NomadVariable{Path: "a"}, watch.NomadVariables{}, watch.Nodes{Near: "_agent"}, watch.Health{Service: "web", Near: "_agent"},
	} {
		if Shareable(q) {
			t.Errorf("%s is shared", q)
		}
		s := watch.NewSnapshot(1, map[watch.Query]watch.Entry{q: {Value: "planted", Known: true}})
		if b, err := Decode(encode(t, s, q), Bundle{}); err != nil || len(b.answers) > 0 {
			t.Errorf("%s: %v %v", q, b, err)
		}
	}
}

// What is asked and has no answer yet is listed, what is refused is not.
func TestUnknownAnswers(t *testing.T) {
	asked, refused, stale := watch.Key{Path: "asked"}, watch.Key{Path: "refused"}, watch.Datacenters{}
	b, err := Decode(encode(t, watch.NewSnapshot(1, map[watch.Query]watch.Entry{
		refused: {Err: watch.ErrDenied},
		stale:   {Err: errors.New("outage"), Known: true, Value: []string{"dc1"}},
	}), asked, refused, stale), Bundle{})
	if err != nil {
		t.Fatal(err)
	}
	if a, listed := b.Answer(asked); !listed || a.Known {
		t.Errorf("asked: %v %v", a, listed)
	}
	if _, listed := b.Answer(refused); listed {
		t.Error("a refused query is listed")
	}
	if a, _ := b.Answer(stale); !a.Known || a.Value.([]string)[0] != "dc1" {
		t.Errorf("stale: %v", a)
	}
}

func TestOldAnswersAreKept(t *testing.T) {
	color := watch.Key{Path: "color"}
	first, err := Decode(encode(t, known(map[watch.Query]any{web: []watch.Instance{{}}, color: &watch.Pair{Value: "red"}}), web, color), Bundle{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := Decode(encode(t, known(map[watch.Query]any{web: []watch.Instance{{}}, color: &watch.Pair{Value: "blue"}}), web, color), first)
	if err != nil {
		t.Fatal(err)
	}
	one, _ := first.Answer(web)
	two, _ := second.Answer(web)
	if !one.Same(two) || &one.Value.([]watch.Instance)[0] != &two.Value.([]watch.Instance)[0] {
		t.Error("an answer that is as it was is another value")
	}
	one, _ = first.Answer(color)
	if two, _ = second.Answer(color); one.Same(two) || two.Value.(*watch.Pair).Value != "blue" {
		t.Error("a change is not seen")
	}
}

func TestApart(t *testing.T) {
	text, err := Apart()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := Decode(string(text), Bundle{}); err != nil || !b.Apart {
		t.Errorf("%v %v", b, err)
	}
}

func pack(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDecode_Refuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                      "EOF",
		"text":                  "unexpected EOF",
		pack(t, `{`):            "unexpected EOF",
		pack(t, `{"Format":2}`): "their format is 2",
		pack(t, `{"Format":1,"Answers":[{"Kind":"VaultSecret"}]}`):                                             "unknown kind",
		pack(t, `{"Format":1,"Answers":[{"Kind":"Key","Query":7}]}`):                                           "cannot unmarshal",
		pack(t, `{"Format":1,"Answers":[{"Kind":"Health","Query":{},"Known":true,"Answer":{}}]}`):              "cannot unmarshal",
		pack(t, fmt.Sprintf(`{"Format":1,"Answers":[%s{}]}`, strings.Repeat(`{"Kind":"Key","Query":{}},`, 3))): "unknown kind",
	} {
		if _, err := Decode(text, Bundle{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"Format":1,"Apart":true}`)
	f.Add(`{"Format":1,"Answers":[{"Kind":"Key","Query":{"Path":"a"},"Known":true,"Answer":{"Key":"a","Value":"YQ=="}}]}`)
	f.Add(`{"Format":1,"Answers":[{"Kind":"Health","Query":{"Service":"web","Datacenter":"dc1"}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Decode(pack(t, text), Bundle{})
		if err != nil {
			return
		}
		for q, a := range b.All {
			if !Shareable(q) && reflect.TypeOf(q) != reflect.TypeFor[watch.Nodes]() && reflect.TypeOf(q) != reflect.TypeFor[watch.Health]() {
				t.Errorf("%s", q)
			}
			if a.Known && a.Value == nil {
				t.Errorf("%s has no value", q)
			}
		}
	})
}

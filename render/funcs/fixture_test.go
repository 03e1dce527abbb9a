package funcs

import (
	"strings"
	"testing"
	"text/template"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// snapshot of known answers, whatever their queries' types.
func snapshot(answers map[watch.Query]any) *watch.Snapshot {
	entries := make(map[watch.Query]watch.Entry)
	for q, value := range answers {
		entries[q] = watch.Entry{Value: value, Known: true, Version: 1}
	}
	return watch.NewSnapshot(1, entries)
}

// run executes text with the given answers.
func run(text string, answers map[watch.Query]any) (string, *Binding, error) {
	env := map[string]string{"HOME": "/root", "EMPTY": ""}
	b := Bind(Inputs{
		Snapshot: snapshot(answers),
		Env:      func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Now:      time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600)),
	})
	t, err := template.New("").Funcs(Helpers()).Funcs(b.Map()).Parse(text)
	if err != nil {
		return "", b, err
	}
	var out strings.Builder
	err = t.Execute(&out, nil)
	return out.String(), b, err
}

func instance(node, id, address string, statuses ...string) watch.Instance {
	i := watch.Instance{
		Node:    watch.NodeInfo{Name: node, Address: "10.0.0." + node[1:], ID: "id-" + node},
		Service: watch.ServiceInfo{ID: id, Name: "web", Address: address, Port: 80, Tags: []string{"b", "a", "B"}},
	}
	for _, s := range statuses {
		i.Checks = append(i.Checks, watch.Check{ID: "c", Status: s})
	}
	return i
}

func maintenance(i watch.Instance) watch.Instance {
	i.Checks = append(i.Checks, watch.Check{ID: "_node_maintenance", Status: watch.Critical})
	return i
}

func describe(queries []watch.Query) string {
	var names []string
	for _, q := range queries {
		names = append(names, q.String())
	}
	return strings.Join(names, "; ")
}

package render

import (
	"fmt"
	"testing"

	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// BenchmarkExecute is what one change costs a template of 2,500 services with
// four instances each.
func BenchmarkExecute(b *testing.B) {
	const text = `{{ range services }}{{ range service .Name }}server {{ .ID }} {{ .Address }}:{{ .Port }}
{{ end }}{{ end }}`
	program, err := Parse(Template{Contents: text})
	if err != nil {
		b.Fatal(err)
	}
	inputs := funcs.Inputs{Snapshot: manyServices(2500), Memory: &funcs.Memory{}}
	b.ReportAllocs()
	for b.Loop() {
		if e, err := program.Execute(inputs); err != nil || len(e.Missing) > 0 {
			b.Fatal(err, e.Missing)
		}
	}
}

func manyServices(n int) *watch.Snapshot {
	answers := map[watch.Query]any{}
	var list []watch.ServiceTags
	for i := range n {
		name := fmt.Sprintf("service-%05d", i)
		list = append(list, watch.ServiceTags{Name: name, Tags: []string{"http"}})
		var instances []watch.Instance
		for j := range 4 {
			id := fmt.Sprintf("%s-%d", name, j)
			instances = append(instances, watch.Instance{
				Node:    watch.NodeInfo{Name: fmt.Sprintf("node-%d", j), Address: "10.0.0.1"},
				Service: watch.ServiceInfo{ID: id, Name: name, Tags: []string{"http"}, Address: "10.1.0.1", Port: 8000},
				Checks:  []watch.Check{{Node: "node", ID: id, Status: watch.Passing, ServiceID: id, ServiceName: name}},
			})
		}
		answers[watch.Health{Service: name, PassingOnly: true}] = instances
	}
	answers[watch.Services{}] = list
	return watchtest.Snapshot(answers)
}

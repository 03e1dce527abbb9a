package roster

import (
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

func TestChecks(t *testing.T) {
	node := func(id, status string) watch.Check { return watch.Check{ID: id, Status: status} }
	own := func(status string) watch.Check { return watch.Check{ID: "c", ServiceID: "web-1", Status: status} }
	for _, test := range []struct {
		name            string
		checks          []watch.Check
		every, one, all bool
	}{
		{"none at all", nil, true, false, false},
		{"one that passes", []watch.Check{own("passing")}, true, true, true},
		{"one of two passes", []watch.Check{own("passing"), own("critical")}, false, true, false},
		{"warning", []watch.Check{own("warning")}, false, false, false},
		{"only the node's", []watch.Check{node("serfHealth", "passing")}, true, false, false},
		{"another check of the node fails", []watch.Check{own("passing"), node("disk", "critical")}, false, true, true},
		{"the node is gone", []watch.Check{own("passing"), node("serfHealth", "critical")}, false, false, false},
		{"node maintenance", []watch.Check{own("passing"), node("_node_maintenance", "critical")}, false, false, false},
		{"service maintenance", []watch.Check{own("passing"), {ID: "_service_maintenance:web-1", ServiceID: "web-1", Status: "critical"}}, false, false, false},
	} {
		for checks, want := range map[Checks]bool{ChecksEvery: test.every, ChecksOne: test.one, ChecksAll: test.all} {
			h := Health{Statuses: []string{watch.Passing}, Checks: checks}
			if got := h.Serves(&watch.Instance{Checks: test.checks}); got != want {
				t.Errorf("%s: with %q, serves is %v", test.name, checks, got)
			}
		}
	}
}

package funcs

import (
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

func TestMemory_GivesWhatAnswersSay(t *testing.T) {
	q := watch.Health{Service: "web", PassingOnly: true}
	snapshot := func(version uint64, ids ...string) *watch.Snapshot {
		var list []watch.Instance
		for _, id := range ids {
			list = append(list, watch.Instance{Service: watch.ServiceInfo{ID: id, Name: "web"}})
		}
		return watch.NewSnapshot(version, map[watch.Query]watch.Entry{q: {Value: list, Known: true, Version: version}})
	}
	ask := func(m *Memory, s *watch.Snapshot) []*HealthService {
		services, err := Bind(Inputs{Snapshot: s, Memory: m}).service("web")
		if err != nil {
			t.Fatal(err)
		}
		return services
	}
	var m Memory
	first := ask(&m, snapshot(1, "a", "b"))
	again := ask(&m, snapshot(1, "a", "b"))
	if len(again) != 2 || again[0] != first[0] {
		t.Error("an answer of the same version is made anew")
	}
	again[0] = nil
	if third := ask(&m, snapshot(1, "a", "b")); third[0] == nil {
		t.Error("what one execution does to its list shows in the next")
	}
	if next := ask(&m, snapshot(2, "c")); len(next) != 1 || next[0].ID != "c" {
		t.Errorf("after a change there are %d services", len(next))
	}
	if none := ask(&m, nil); len(none) != 0 {
		t.Errorf("without an answer there are %d services", len(none))
	}
	if Bind(Inputs{Memory: &m}); m.size() != 0 {
		t.Errorf("%d results of queries that are no longer asked are kept", m.size())
	}
}

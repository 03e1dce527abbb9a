package consul

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
)

func TestSurvey_NamesEachKindOfChange(t *testing.T) {
	consul := parts.StartConsul(t)
	for i := range 5 {
		consul.Register(service(fmt.Sprintf("checked-%d", i), 1000, true, "a"))
		consul.Register(service(fmt.Sprintf("plain-%d", i), 2000, false, "a"))
	}
	catalog := func(body string) func() {
		return func() { consul.Do("PUT", "/v1/catalog/register", body) }
	}
	do := func(path string) func() { return func() { consul.Do("PUT", path, "") } }
	catalog(`{"Node":"ext","Address":"10.0.0.1","Service":{"Service":"away","ID":"away-1","Port":1}}`)()

	v := startSurvey(t, newSource(t, web(consul)))
	for _, step := range []struct {
		name    string
		change  func()
		service string
	}{
		{"new with passing check", func() { consul.Register(service("new", 1, true)) }, "new"},
		{"new without check", func() { consul.Register(service("bare", 1, false)) }, "bare"},
		{"passing to critical", do("/v1/agent/check/fail/service:checked-1-1"), "checked-1"},
		{"critical to passing", do("/v1/agent/check/pass/service:checked-1-1"), "checked-1"},
		{"passing to warning", do("/v1/agent/check/warn/service:checked-2-1"), "checked-2"},
		{"tags of a checked one", func() { consul.Register(service("checked-3", 1000, true, "b")) }, "checked-3"},
		{"tags of an unchecked one", func() { consul.Register(service("plain-3", 2000, false, "b")) }, "plain-3"},
		{"port of a checked one", func() { consul.Register(service("checked-4", 1001, true, "a")) }, "checked-4"},
		{"port of an unchecked one", func() { consul.Register(service("plain-4", 2001, false, "a")) }, "plain-4"},
		{"meta only", func() {
			consul.Register(`{"Name":"plain-2","ID":"plain-2-1","Port":2000,"Tags":["a"],"Meta":{"k":"v"}}`)
		}, "plain-2"},
		{"second instance, same tags", func() { consul.Register(`{"Name":"plain-1","ID":"other","Port":3,"Tags":["a"]}`) }, "plain-1"},
		{"second instance gone", func() { consul.Deregister("other") }, "plain-1"},
		{"deregistered with check", func() { consul.Deregister("checked-0-1") }, "checked-0"},
		{"deregistered without check", func() { consul.Deregister("plain-0-1") }, "plain-0"},
		{"service maintenance", do("/v1/agent/service/maintenance/plain-1-1?enable=true"), "plain-1"},
		{"service maintenance over", do("/v1/agent/service/maintenance/plain-1-1?enable=false"), "plain-1"},
		{"node maintenance", do("/v1/agent/maintenance?enable=true"), "plain-2"},
		{"node maintenance over", do("/v1/agent/maintenance?enable=false"), "plain-2"},
		{"node's address", catalog(`{"Node":"ext","Address":"10.0.0.2"}`), "away"},
		{"instance under another name", catalog(`{"Node":"ext","Address":"10.0.0.2","Service":{"Service":"moved","ID":"away-1","Port":1}}`), "away"},
		{"node gone", func() { consul.Do("PUT", "/v1/catalog/deregister", `{"Node":"ext"}`) }, "moved"},
	} {
		t.Log(step.name)
		step.change()
		v.until(step.service)
	}
}

// A change that leaves no trace when the rungs come to look may still have
// been fetched in between.
func TestSurvey_TracelessChangeIsReportedAsAny(t *testing.T) {
	consul := parts.StartConsul(t)
	v := startSurvey(t, newSource(t, web(consul)))
	consul.Do("PUT", "/v1/txn", `[
		{"Service":{"Verb":"set","Node":"test","Service":{"ID":"brief","Service":"brief","Port":1}}},
		{"Service":{"Verb":"delete","Node":"test","Service":{"ID":"brief","Service":"brief"}}}]`)
	v.untilAny("")
}

// Whatever is hidden behind a wake that was already explained must be found.
func TestSurvey_ManyChangesAtOnceAreAllFound(t *testing.T) {
	consul := parts.StartConsul(t)
	const n = 60
	for i := range n {
		consul.Register(service(fmt.Sprintf("s-%d", i), 1000, i%2 == 0, "a"))
	}
	v := startSurvey(t, newSource(t, web(consul)))
	missing := map[string]struct{}{}
	for round := range 3 {
		for i := range n {
			name := fmt.Sprintf("s-%d", i)
			missing[name] = struct{}{}
			consul.Register(service(name, 2000+round, i%2 == 0, "a"))
		}
		for len(missing) > 0 {
			names := v.next()
			if names == nil {
				clear(missing)
			}
			for name := range names {
				delete(missing, name)
			}
		}
	}
}

func TestSurvey_EndsWhenConsulDies(t *testing.T) {
	consul := parts.StartConsul(t)
	v := startSurvey(t, newSource(t, web(consul)))
	consul.Kill()
	if err := <-v.done; err == nil {
		t.Error("the survey ended without an error")
	}
	v.done = nil
}

func TestSurvey_RefusesSamenessGroups(t *testing.T) {
	s := newSource(t, Config{})
	err := s.Survey(t.Context(), watch.Scope{SamenessGroup: "g"}, func(map[string]struct{}) {})
	if err == nil {
		t.Error("no error")
	}
}

// With more nodes than services, the caller is asked to look for itself.
func TestSurvey_ManyNodesAreSweptInstead(t *testing.T) {
	consul := parts.StartConsul(t)
	catalog := func(node, port int) {
		consul.Do("PUT", "/v1/catalog/register", fmt.Sprintf(
			`{"Node":"n-%d","Address":"10.0.0.1","Service":{"Service":"everywhere","Port":%d}}`, node, port))
	}
	for i := range maxNodes + 1 {
		catalog(i, 80)
	}
	v := startSurvey(t, newSource(t, web(consul)))
	catalog(3, 81)
	v.untilAny("")
}

func TestSurvey_DeclaresAllChangedNowAndThen(t *testing.T) {
	consul := parts.StartConsul(t)
	s := newSource(t, web(consul))
	s.surveying.verify = 10 * time.Millisecond
	v := startSurvey(t, s)
	v.untilAny("")
}

// A wait that ends is no proof that nothing changed: rights granted later, for
// one, wake nobody.
func TestSurvey_LooksAgainWhenAWaitEnds(t *testing.T) {
	consul := parts.StartConsul(t, denyAll)
	consul.Register(service("web", 80, false))
	consul.Do("PUT", "/v1/agent/token/default?token="+root, `{"Token":""}`)
	s := newSource(t, web(consul))
	s.surveying.wait = 20 * time.Millisecond
	v := startSurvey(t, s)
	consul.Do("PUT", "/v1/acl/policy?token="+root, `{"Name":"reader","Rules":"service_prefix \"\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }"}`)
	consul.Do("PUT", "/v1/acl/token/00000000-0000-0000-0000-000000000002?token="+root, `{"Policies":[{"Name":"reader"}]}`)
	v.until("web")
}

func TestSurvey_HoldsNoMoreThanItsRequests(t *testing.T) {
	consul := parts.StartConsul(t)
	s := newSource(t, Config{Address: consul.Addr, MaxConnections: watch.MaxSurveyRequests})
	v := startSurvey(t, s)
	for i := range 20 {
		consul.Register(service(fmt.Sprintf("s-%d", i), 1, i%2 == 0))
	}
	// A fourth request would wait for a connection and hang a lookout.
	for i := range 20 {
		consul.Register(service(fmt.Sprintf("s-%d", i), 2, i%2 == 0))
		v.untilAny(fmt.Sprintf("s-%d", i))
	}
}

func TestSurvey_ManyNodesChangedAtOnceMeanAny(t *testing.T) {
	consul := parts.StartConsul(t)
	var operations []string
	for i := range 2 * maxNodes {
		consul.Do("PUT", "/v1/catalog/register", fmt.Sprintf(
			`{"Node":"n-%d","Address":"10.0.0.1","Service":{"Service":"s-%d","Port":80}}`, i, i))
		operations = append(operations, fmt.Sprintf(
			`{"Node":{"Verb":"set","Node":{"Node":"n-%d","Address":"10.0.0.2","Datacenter":"dc1"}}}`, i))
	}
	v := startSurvey(t, newSource(t, web(consul)))
	consul.Do("PUT", "/v1/txn", "["+strings.Join(operations, ",")+"]")
	v.untilAny("")
}

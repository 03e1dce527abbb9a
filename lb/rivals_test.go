package lb

import (
	"fmt"
	"strings"
	"testing"
)

// Of routes for the same requests by different names the first gets them all, and the
// others are told, for as long as it is there.
func TestRoutesForTheSameRequests(t *testing.T) {
	c := newCatalog()
	b := c.builder()
	rule := func(name string, more ...string) []string {
		tags := []string{"traefik.http.routers." + name + ".rule=Host(`x`)"}
		for _, option := range more {
			tags = append(tags, "traefik.http.routers."+name+"."+option)
		}
		return tags
	}
	told := func(step string, want ...string) {
		t.Helper()
		table := b.Build(c.snapshot())
		var got []string
		for _, p := range table.Problems() {
			if strings.Contains(p.Reason, "gets no requests") {
				got = append(got, fmt.Sprintf("%s: %s", p.Service, p.Reason))
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%s: %q, want %q", step, got, want)
		}
		for i := range want {
			if !strings.Contains(got[i], want[i]) {
				t.Errorf("%s: %q, want %q", step, got[i], want[i])
			}
		}
	}
	c.set("blue", at("10.0.0.1", rule("blue")...))
	told("one")
	c.set("green", at("10.0.0.2", rule("green")...))
	told("two", "green: the route green gets no requests: blue of service blue is for the same ones")
	c.set("amber", at("10.0.0.3", rule("amber")...))
	told("a third goes first", "blue: the route blue gets no requests: amber", "green: the route green gets no requests: amber")
	c.set("green", at("10.0.0.2", rule("green", "priority=1000")...))
	told("another priority", "blue: the route blue gets no requests: amber")
	c.set("amber", at("10.0.0.3", append(rule("amber"), rule("zinc")...)...))
	told("two of one service make no difference", "blue: the route blue")
	c.set("amber")
	c.set("green", at("10.0.0.2", rule("green")...))
	told("the first is gone", "green: the route green gets no requests: blue")
	c.set("blue", at("10.0.0.1", "traefik.http.routers.blue.rule=Host(`y`)"))
	told("another rule")
}

package haproxy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const base = `
defaults
  default-server inter 2s weight 7
backend web
  # a comment
  server a 10.0.0.1:80 check
  server b 10.0.0.2:80 weight 3 disabled
frontend in
  bind :80
`

func parsed(t *testing.T, text string) config {
	t.Helper()
	c, err := parseConfig([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseConfig(t *testing.T) {
	c := parsed(t, base)
	a, b := c.servers[key{"web", "a"}], c.servers[key{"web", "b"}]
	if a.weight != 7 || a.disabled || !slices.Equal(a.options, []string{"inter", "2s", "check"}) || !a.plain {
		t.Errorf("a is %+v", a)
	}
	if b.weight != 3 || !b.disabled || b.at != netip.MustParseAddrPort("10.0.0.2:80") {
		t.Errorf("b is %+v", b)
	}
	want := []string{"defaults", "default-server inter 2s weight 7", "backend web", "frontend in", "bind :80"}
	if !slices.Equal(c.rest, want) {
		t.Errorf("rest is %q", c.rest)
	}
	if _, err := parseConfig([]byte("backend w\nserver a 1.1.1.1:1\nserver a 1.1.1.1:2\n")); err == nil {
		t.Error("a server twice is taken")
	}
}

// Settings of servers come from the defaults section that HAProxy takes them
// from, and lines of the same look in other sections are not servers.
func TestSettingsOfSections(t *testing.T) {
	c := parsed(t, `
defaults one
  default-server maxconn 1
defaults two
  default-server maxconn 2
backend plain
  server s 10.0.0.1:1
backend named from one
  default-server maxqueue 5
  server s 10.0.0.1:1 check
peers p
  server not-one 10.0.0.1:1
`)
	for name, want := range map[string]string{"plain": "maxconn 2", "named": "maxconn 1 maxqueue 5 check"} {
		if got := strings.Join(c.servers[key{name, "s"}].options, " "); got != want {
			t.Errorf("%s: options %q, want %q", name, got, want)
		}
	}
	if len(c.servers) != 2 {
		t.Errorf("servers %v", c.order)
	}
}

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.1:80":      "10.0.0.1:80",
		"[2001:db8::1]:80": "[2001:db8::1]:80",
		"2001:db8::1:80":   "[2001:db8::1]:80",
		"10.0.0.1":         "", "10.0.0.1:+1": "", "web.example:80": "", "unix@/run/a": "", "10.0.0.1:0": "", ":80": "", "10.0.0.1:99999": "",
	} {
		got := parseAddress(text)
		if want == "" && got.IsValid() || want != "" && got.String() != want {
			t.Errorf("%s is %v, want %q", text, got, want)
		}
	}
}

// state is what a HAProxy has that runs base.
func state() map[key]running {
	return map[key]running{
		{"web", "a"}: {at: netip.MustParseAddrPort("10.0.0.1:80"), weight: 7},
		{"web", "b"}: {at: netip.MustParseAddrPort("10.0.0.2:80"), weight: 3, admin: 0x05},
	}
}

// What cannot be done at run time, or is not known to be safe, is refused
// before anything is changed.
func TestPlanRefuses(t *testing.T) {
	for name, edit := range map[string]struct{ from, to, want string }{
		"options":         {"10.0.0.1:80 check", "10.0.0.1:80 check ssl", "its options differ"},
		"settings of all": {"10.0.0.1:80 check", "10.0.0.1:80 check backup", "its options differ"},
		"a command":       {"server a", "server c 10.0.0.3:80;shutdown check\n  server a", "plain words"},
		"a payload":       {"server a", "server c 10.0.0.3:80 <<\n  server a", "plain words"},
		"a name":          {"10.0.0.1:80", "web.example:80", "plain words"},
		"quotes":          {"10.0.0.1:80 check", `10.0.0.1:80 check sni "str(x)"`, "plain words"},
		"an environment":  {"10.0.0.1:80", "${WEB}:80", "plain words"},
		"a weight":        {"weight 3", "weight 3x", "plain words"},
	} {
		t.Run(name, func(t *testing.T) {
			after := strings.Replace(base, edit.from, edit.to, 1)
			_, err := New("").plan(parsed(t, base), parsed(t, after), state())
			if err == nil || !strings.Contains(err.Error(), edit.want) {
				t.Errorf("error %v, want %q", err, edit.want)
			}
		})
	}
}

func TestPlan(t *testing.T) {
	after := strings.NewReplacer("10.0.0.1:80 check", "10.0.0.9:81 check weight 8", "server b", "server c").Replace(base)
	p, err := New("").plan(parsed(t, base), parsed(t, after), state())
	if err != nil {
		t.Fatal(err)
	}
	a, b, c := key{"web", "a"}, key{"web", "b"}, key{"web", "c"}
	if !slices.Equal(p.add, []key{c}) || !slices.Equal(p.retire, []key{b}) || len(p.leftover) > 0 ||
		!slices.Equal(p.adjust, []change{{key: a, address: true, weight: true}}) {
		t.Errorf("plan %+v", p)
	}
}

// Somebody who drains a server or takes it out by hand keeps that.
func TestPlanLeavesTheRestAlone(t *testing.T) {
	now := state()
	now[key{"web", "a"}] = running{at: netip.MustParseAddrPort("10.0.0.1:80"), weight: 1, admin: 0x01}
	after := strings.Replace(base, "10.0.0.2:80", "10.0.0.3:80", 1)
	p, err := New("").plan(parsed(t, base), parsed(t, after), now)
	if err != nil || len(p.adjust) != 1 || p.adjust[0].key.name != "b" || p.adjust[0].state {
		t.Errorf("plan %+v (%v)", p, err)
	}
	if err := verify(p, parsed(t, after), now); err == nil || !strings.Contains(err.Error(), "10.0.0.2:80 afterwards, not 10.0.0.3:80") {
		t.Errorf("an address that did not change is not noticed: %v", err)
	}
}

func TestParseStateRefuses(t *testing.T) {
	head := "1\n# be_name srv_name srv_addr srv_port srv_uweight srv_admin_state\n"
	for _, text := range []string{
		"", "Permission denied", "2\n# be_name\n", "1\n# be_name\n",
		head + "web a 10.0.0.1", head + "web a 10.0.0.1 80 x 0", head + "web a 10.0.0.1 80 1 x",
	} {
		if servers, err := parseState(text); err == nil {
			t.Errorf("%q is %v", text, servers)
		}
	}
	if servers, err := parseState(head + "web a - 0 1 0\n"); err != nil || servers[key{"web", "a"}].at.IsValid() {
		t.Errorf("a server without an address: %v (%v)", servers, err)
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add(base)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseConfig([]byte(text))
		if err != nil {
			return
		}
		if len(c.order) != len(c.servers) {
			t.Errorf("%d servers in order, %d in all", len(c.order), len(c.servers))
		}
		for k, s := range c.servers {
			if s.plain && strings.ContainsAny(k.String()+s.address+strings.Join(s.options, ""), ";\n<\"'\\$# ") {
				t.Errorf("%v %+v is called plain", k, s)
			}
		}
	})
}

package roster

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

// following is a roster and the catalog it follows. Services whose names begin with
// an x are not wanted.
type following struct {
	*Roster
	t       *testing.T
	version uint64
	entries map[watch.Query]watch.Entry
}

func follow(t *testing.T, failover ...string) *following {
	health := Health{Statuses: []string{watch.Passing}}
	wanted := func(s watch.ServiceTags) bool { return s.Name[0] != 'x' }
	return &following{New(Options{Failover: failover, Health: health, IsWanted: wanted}), t, 0, map[watch.Query]watch.Entry{}}
}

// list sets the services of a datacenter, tell and fail what is known of one.
func (f *following) list(datacenter string, names ...string) {
	var all []watch.ServiceTags
	for _, name := range names {
		all = append(all, watch.ServiceTags{Name: name})
	}
	f.version++
	f.entries[watch.Services{Scope: watch.Scope{Datacenter: datacenter}}] = watch.Entry{Value: all, Known: true, Version: f.version}
}

func (f *following) tell(datacenter, name string, statuses ...string) {
	var all []watch.Instance
	for i, status := range statuses {
		all = append(all, watch.Instance{
			Service: watch.ServiceInfo{ID: fmt.Sprint(i), Name: name, Address: cmp.Or(datacenter, "home")}, Checks: []watch.Check{{Status: status}},
		})
	}
	f.version++
	f.entries[watch.Health{Scope: watch.Scope{Datacenter: datacenter}, Service: name}] = watch.Entry{Value: all, Known: true, Version: f.version}
}

func (f *following) fail(name string, err error) {
	f.version++
	f.entries[watch.Health{Service: name}] = watch.Entry{Err: err}
}

// wants updates the roster and compares what it tells.
func (f *following) wants(moved bool, told ...string) {
	f.t.Helper()
	var got []string
	s := watch.NewSnapshot(f.version, f.entries)
	did := f.Update(s, func(s Service) {
		text := s.Name
		for _, i := range s.Instances {
			text += " " + i.Service.Address
		}
		switch {
		case s.IsGone:
			text += " gone"
		case s.State != Read:
			text += fmt.Sprintf(" %v: %v", [...]string{"pending", "refused", "failing"}[s.State], s.Err)
		}
		got = append(got, text)
	})
	if !slices.Equal(got, told) || did != moved {
		f.t.Errorf("told %q, moved %t; want %q, %t", got, did, told, moved)
	}
	f.Wants(s)
}

func TestUpdateTellsWhatChanged(t *testing.T) {
	f := follow(t)
	f.list("", "a", "b", "x")
	f.tell("", "a", "passing", "critical")
	f.wants(true, "a home home", "b pending: <nil>")
	f.tell("", "b")
	f.wants(false, "b")
	f.wants(false)
	f.fail("a", errors.New("connection refused"))
	f.wants(false, "a failing: connection refused")
	f.fail("a", watch.ErrDenied)
	f.wants(false, "a refused: "+watch.ErrDenied.Error())
	f.tell("", "a", "passing")
	f.wants(false, "a home")
	f.Reread("b")
	f.Reread("nobody")
	f.wants(false, "b")
	f.list("", "b")
	f.wants(true, "a gone")
}

// What is no more leaves nothing behind.
func TestRosterForgets(t *testing.T) {
	f := follow(t, "dc2", "dc3")
	f.list("", "a", "b", "c")
	f.list("dc2", "a")
	f.list("dc3")
	f.tell("", "a", "critical")
	f.tell("", "b", "passing")
	f.wants(true, "a home", "b home", "c pending: <nil>")
	f.tell("dc2", "a", "passing")
	f.wants(false, "a dc2", "c pending: <nil>")
	if f.Away()["a"] != "dc2" || f.abroad["a"] != 1 || !slices.Equal(f.TakeMoves(), []Move{{"a", "dc2"}}) {
		t.Errorf("away %v, asked %v", f.Away(), f.abroad)
	}
	var asked []string
	for _, q := range f.Queries() {
		asked = append(asked, fmt.Sprint(q))
	}
	if text := strings.Join(asked, "\n"); len(asked) != 7 || f.Wants(nil) { // three lists, three services, one of them in dc2 too
		t.Errorf("asked:\n%s", text)
	}
	f.list("")
	f.list("dc2")
	f.wants(true, "a gone", "b gone", "c gone")
	if n := len(f.services) + len(f.unread) + len(f.gone) + len(f.abroad) + len(f.away) + len(f.names) + len(f.TakeMoves()); n != 0 {
		t.Errorf("%d things are remembered: %+v", n, f.Roster)
	}
}

// What is of several datacenters may be newer although the sum of what is asked now is
// no other than that of what was asked before.
func TestBackHomeWhateverTheVersions(t *testing.T) {
	f := follow(t, "dc2")
	f.list("", "a")             // 1
	f.list("dc2", "a")          // 2
	f.tell("", "a", "critical") // 3
	f.wants(true, "a home")
	f.tell("dc2", "a", "passing") // 4
	f.wants(false, "a dc2")
	f.version = 6
	f.tell("", "a", "passing") // 7, as 3 and 4 together
	f.wants(false, "a home")
}

package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestParseSettings(t *testing.T) {
	s, err := parseSettings([]string{"-services", "20, 40", "-changes", "20", "-peer", "fabio=/opt/fabio"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.sizes, []int{20, 40}) || s.changes != 20 {
		t.Errorf("sizes %v, changes %d", s.sizes, s.changes)
	}
	if len(s.subjects) != 2 || s.subjects[0].path != ".bin/sluice" || s.subjects[1].path != "/opt/fabio" {
		t.Errorf("subjects %+v", s.subjects)
	}
}

func TestParseSettingsRejects(t *testing.T) {
	tests := []struct{ args, message string }{
		{"-services 0", `not a number of services: "0"`},
		{"-services 300,many", `not a number of services: "many"`},
		{"-peer nginx=/usr/sbin/nginx", "not fabio=PROGRAM"},
		{"-peer fabio", "not fabio=PROGRAM"},
		{"-sluice=", "need a program to measure"},
		{"-changes 0", "at least one change"},
		{"-services 300,20 -changes 30", "-services has only 20"},
		{"-services 200 -flapping 200", "one service of -services must not flap"},
		{"extra", "no arguments besides flags"},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			_, err := parseSettings(strings.Fields(tt.args))
			if err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v, want %q", err, tt.message)
			}
		})
	}
}

// A path that began another's would answer for it and hide its deregistration.
func TestServicePathsAreNoPrefixesOfEachOther(t *testing.T) {
	sub := sluiceSubject("")
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	for _, i := range []int{1, 10, 100, 4999, 10000} {
		for _, j := range []int{1, 10, 100, 4999, 10000} {
			a, b := sub.service("svc", i, addr), sub.service("svc", j, addr)
			if i != j && strings.HasPrefix(a.name, b.name) {
				t.Errorf("%s begins with %s", a.name, b.name)
			}
		}
	}
}

func TestSubjectsUseTheirDialectsInTurn(t *testing.T) {
	addr := netip.MustParseAddrPort("127.0.0.1:80")
	want := []string{
		"urlprefix-/svc-000000 strip=/svc-000000",
		"traefik.frontend.rule=PathPrefixStrip:/svc-000001",
		"traefik.http.routers.svc-000002.rule=PathPrefix(`/svc-000002`)",
		"urlprefix-/svc-000003 strip=/svc-000003",
	}
	for i, tag := range want {
		if s := sluiceSubject("").service("svc", i, addr); !slices.Contains(s.tags, tag) {
			t.Errorf("sluice's service %d has %q, not %q", i, s.tags, tag)
		}
	}
	if s := fabioSubject("").service("svc", 1, addr); !slices.Equal(s.tags, []string{"urlprefix-/svc-000001 strip=/svc-000001"}) {
		t.Errorf("fabio's service has %q", s.tags)
	}
}

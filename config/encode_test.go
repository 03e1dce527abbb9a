package config

import (
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What is written down says what it was made of.
func TestEncode(t *testing.T) {
	given, err := Load(Sources{Files: []string{"testdata/everything.good.hcl"}}, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig()
	want.Consul, want.LB, want.Tags, want.Fabio, want.Admin = given.Consul, given.LB, given.Tags, given.Fabio, given.Admin
	want.Routes, want.Middlewares, want.Defaults, want.Claims, want.Policies = given.Routes, given.Middlewares, given.Defaults, given.Claims, given.Policies
	want.Services, want.Transports, want.TCPTransports = given.Services, given.Transports, given.TCPTransports
	want.TCPRoutes, want.UDPRoutes = given.TCPRoutes, given.UDPRoutes
	want.LogLevel, want.LogFile, want.PIDFile = given.LogLevel, given.LogFile, `C:\${x} "y" ${`
	text := Encode(want, nil)
	got := DefaultConfig()
	if err := got.LoadText("encoded", []byte(text)); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want.Settle()
	got.Settle()
	elsewhere := cmp.FilterPath(func(p cmp.Path) bool { // where it stands, or in which of two spellings
		return slices.Contains([]string{".Origin", ".Text"}, p.Last().String())
	}, cmp.Ignore())
	if diff := cmp.Diff(want, got, elsewhere, cmpopts.EquateEmpty(), cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if text == Encode(DefaultConfig(), nil) {
		t.Error("nothing is written")
	}
}

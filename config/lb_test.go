package config

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sluiceproxy/sluice/lb"
)

// compareOptions leaves out what cannot be compared or is not of the stanza.
var compareOptions = cmp.Options{
	cmpopts.IgnoreFields(lb.ServerOptions{}, "Table", "Logger", "AccessLog"),
	cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}),
}

// Each limit and timeout of a file gets to the server, and to a place of its own.
func TestLimitsAndTimeoutsReachTheServer(t *testing.T) {
	want, err := DefaultConfig().ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, stanza := range []string{"Timeouts", "Limits"} {
		fields := reflect.TypeFor[LB]()
		kind, _ := fields.FieldByName(stanza)
		for i := range kind.Type.NumField() {
			name := stanza + "." + kind.Type.Field(i).Name
			if name == "Limits.BufferFileBytes" {
				continue // it is for middlewares, which the table's options have
			}
			c := DefaultConfig()
			reflect.ValueOf(&c.LB).Elem().FieldByName(stanza).Field(i).SetInt(12345)
			got, err := c.ServerOptions()
			if err != nil {
				t.Fatal(err)
			}
			diff := cmp.Diff(want, got, compareOptions)
			if diff == "" {
				t.Errorf("%s changes nothing", name)
			}
			if other, ok := seen[diff]; ok {
				t.Errorf("%s and %s change the same", name, other)
			}
			seen[diff] = name
		}
	}
}

func TestForwardingReachesTheServer(t *testing.T) {
	c := DefaultConfig()
	c.LB.Forwarding = Forwarding{
		By:       "192.0.2.9",
		ClientIP: "A", RequestID: "B", TLS: "C", Append: Some(false), Details: true, ServerName: Some(""),
		StrictTransport: StrictTransport{MaxAge: 1, Subdomains: true},
	}
	o, err := c.ServerOptions()
	want := lb.Forwarding{
		By:            netip.MustParseAddr("192.0.2.9"),
		ClientIPField: "A", RequestIDField: "B", TLSField: "C", TLSValue: "true", KeepForwardedFor: true, Details: true,
		StrictTransport: "max-age=1; includeSubDomains",
	}
	if err != nil || o.Forwarding != want || o.ServerName != "" {
		t.Errorf("%+v, server name %q, error %v; want %+v", o.Forwarding, o.ServerName, err, want)
	}
}

func TestCertificatesReachTheServer(t *testing.T) {
	c := DefaultConfig()
	c.LB.Certificates = []Certificates{
		{Name: "web", Type: "http", Cert: []string{"https://h/l"}, Header: "X-Token: secret", Refresh: time.Minute},
		{Text: "cs=kv;type=consul;cert=a/b"},
	}
	o, err := c.ServerOptions()
	if err != nil {
		t.Fatal(err)
	}
	web, kv := o.CertSources[0], o.CertSources[1]
	if web.Name != "web" || web.Header.Get("X-Token") != "secret" || web.Refresh != time.Minute {
		t.Errorf("%+v", web)
	}
	if kv.Name != "kv" || kv.Cert != "a/b" {
		t.Errorf("%+v", kv)
	}
	c.LB.Listeners = []Listener{{Origin: "here", Text: ":1;cs=none"}}
	if _, err := c.ServerOptions(); err == nil || !strings.Contains(err.Error(), `no certificate source "none"`) {
		t.Errorf("error %v", err)
	}
	c.LB.Certificates = append(c.LB.Certificates, Certificates{Origin: "there", Name: "x", Type: "http", Cert: []string{"c"}, Header: "secret"})
	if _, err := c.ServerOptions(); err == nil || !strings.Contains(err.Error(), "there: header is not") || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
}

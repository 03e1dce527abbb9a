package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

func config(t testing.TB, o Options) *tls.Config {
	t.Helper()
	c, err := o.Config()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestChoiceByName(t *testing.T) {
	var store Store
	pairs := []Pair{
		pairFor(t, "*.shop.test"), pairFor(t, "a.first.test"), pairFor(t, "shop.test", "www.shop.test"), pairFor(t, "UPPER.test"),
	}
	if changed, err := store.Replace(pairs); !changed || err != nil {
		t.Fatal(changed, err)
	}
	lax, strict := config(t, Options{Store: &store}), config(t, Options{Store: &store, Strict: true})
	for asked, want := range map[string]struct{ lax, strict string }{
		"shop.test":       {"shop.test", "shop.test"},
		"www.shop.test":   {"shop.test", "shop.test"}, // before the wildcard
		"api.shop.test":   {"*.shop.test", "*.shop.test"},
		"API.Shop.Test":   {"*.shop.test", "*.shop.test"},
		"a.b.shop.test":   {"*.shop.test", ""}, // a wildcard is one label; it is also the first one
		"other.test":      {"*.shop.test", ""},
		"upper.test":      {"UPPER.test", "UPPER.test"},
		"":                {"*.shop.test", ""},
		"a.first.test":    {"a.first.test", "a.first.test"},
		"evil.first.test": {"*.shop.test", ""},
	} {
		if got, _, err := shake(t, lax, &tls.Config{ServerName: asked}); got != want.lax || err != nil {
			t.Errorf("%q: certificate of %q, error %v; want %q", asked, got, err, want.lax)
		}
		got, _, err := shake(t, strict, &tls.Config{ServerName: asked})
		if got != want.strict || (err == nil) != (want.strict != "") {
			t.Errorf("%q, strict: certificate of %q, error %v; want %q", asked, got, err, want.strict)
		}
		if err != nil && !strings.Contains(err.Error(), "unrecognized name") {
			t.Errorf("%q, strict: error %v, want the alert unrecognized_name", asked, err)
		}
	}
}

// Who asks for an address by the way it came, or as a name, which clients should
// not do but some do, gets the certificate for it.
func TestChoiceByAddress(t *testing.T) {
	var store Store
	if _, err := store.Replace([]Pair{pairFor(t, "first.test"), pairFor(t, "second.test", "127.0.0.1", "2001:db8::1")}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	elsewhere, other := net.Pipe()
	defer elsewhere.Close()
	defer other.Close()
	for _, tt := range []struct {
		name, want, strict string
		conn               net.Conn
	}{
		{"", "second.test", "second.test", at},
		{"", "first.test", "", elsewhere}, // its address is none
		{"", "first.test", "", nil},
		{"2001:db8::1", "second.test", "second.test", elsewhere},
		{"2001:DB8:0::1", "second.test", "second.test", elsewhere},
		{"2001:db8::2", "first.test", "", at},
		{"first.test", "first.test", "first.test", at}, // a name counts more
		{"other.test", "first.test", "", at},
	} {
		for strict, want := range map[bool]string{false: tt.want, true: tt.strict} {
			got := ""
			if c := store.current.Load().find(&tls.ClientHelloInfo{ServerName: tt.name, Conn: tt.conn}, strict); c != nil {
				got = c.Leaf.DNSNames[0]
			}
			if got != want {
				t.Errorf("%q, strict: %t: certificate of %q, want %q", tt.name, strict, got, want)
			}
		}
	}
	if all := store.Certificates(); !slices.Equal(all[1].Hosts, []string{"second.test", "127.0.0.1", "2001:db8::1", "sluice self-signed"}) {
		t.Errorf("certificates %+v", all)
	}
}

func TestBrokenPairHurtsItselfAlone(t *testing.T) {
	var store Store
	one, two := pairFor(t, "one.test"), pairFor(t, "two.test")
	if _, err := store.Replace([]Pair{one, two}); err != nil {
		t.Fatal(err)
	}
	halfWritten, mixed, three := two, one, pairFor(t, "three.test")
	halfWritten.Cert = two.Cert[:len(two.Cert)/2]
	mixed.Key = two.Key
	changed, err := store.Replace([]Pair{mixed, halfWritten, three})
	if !changed || err == nil {
		t.Fatalf("changed %v, error %v", changed, err)
	}
	for _, want := range []string{"certificate one.test:", "certificate two.test:"} {
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "three.test") {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	c := config(t, Options{Store: &store, Strict: true})
	for _, name := range []string{"one.test", "two.test", "three.test"} {
		if _, _, err := shake(t, c, &tls.Config{ServerName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// What is gone altogether is not kept.
	if changed, err := store.Replace([]Pair{three}); !changed || err != nil {
		t.Errorf("changed %v, error %v", changed, err)
	}
	if _, _, err := shake(t, c, &tls.Config{ServerName: "one.test"}); err == nil {
		t.Error("a certificate that was taken away is still in use")
	}
	if changed, err := store.Replace([]Pair{three}); changed || err != nil {
		t.Errorf("the same again: changed %v, error %v", changed, err)
	}
	for _, nothing := range [][]Pair{nil, {mixed}} {
		if changed, err := store.Replace(nothing); changed || err == nil {
			t.Errorf("nothing usable: changed %v, error %v", changed, err)
		}
	}
	if all := store.Certificates(); len(all) != 1 || all[0].Name != "three.test" || all[0].Hosts[0] != "three.test" {
		t.Errorf("certificates %+v", all)
	}
}

func TestEmptyStore(t *testing.T) {
	var store Store
	if !store.Empty() {
		t.Error("it is not empty")
	}
	if _, _, err := shake(t, config(t, Options{Store: &store}), &tls.Config{ServerName: "x.test"}); err == nil {
		t.Error("a handshake without a certificate")
	}
}

// Amazon's API gateways have certificates that have signed themselves and do not
// say that they may.
func TestClientCertificatesOfAnUpgradedAuthority(t *testing.T) {
	gateway := certtest.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "ApiGateway"}}, nil)
	leaf, err := x509.ParseCertificate(clientOf(t, gateway).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	itself := gateway.TLS()
	for upgradeCN, signs := range map[string]bool{"": false, "another": false, "ApiGateway": true} {
		k := NewKeeper("test", Source{UpgradeCN: upgradeCN}, slog.Default())
		if err := k.Put(Content{Pairs: []Pair{pairFor(t, "shop.test")}, ClientCAs: [][]byte{gateway.CertPEM()}}, nil); err != nil {
			t.Fatal(err)
		}
		c := config(t, Options{Store: &k.Store, ClientAuth: tls.RequireAndVerifyClientCert})
		for _, row := range []struct {
			what   string
			client tls.Certificate
			want   bool
		}{
			{"the certificate itself", itself, true},
			{"one it has signed", clientOf(t, gateway), signs},
			{"a stranger's", clientOf(t, newAuthority(t)), false},
		} {
			_, _, err := shake(t, c, &tls.Config{ServerName: "shop.test", Certificates: []tls.Certificate{row.client}})
			if (err == nil) != row.want {
				t.Errorf("upgrade of %q, %s: error %v", upgradeCN, row.what, err)
			}
		}
	}
	// One that others have signed stays what it is.
	a := Authorities{upgradeCN: "ApiGateway"}
	if a.upgrade(leaf); leaf.IsCA {
		t.Error("a client's certificate became an authority")
	}
}

func TestClientCertificates(t *testing.T) {
	var store Store
	if _, err := store.Replace([]Pair{pairFor(t, "shop.test")}); err != nil {
		t.Fatal(err)
	}
	c := config(t, Options{Store: &store, ClientAuth: tls.RequireAndVerifyClientCert})
	ours, others := newAuthority(t), newAuthority(t)
	try := func(certificates ...tls.Certificate) error {
		_, _, err := shake(t, c, &tls.Config{ServerName: "shop.test", Certificates: certificates})
		return err
	}
	if try(clientOf(t, ours)) == nil {
		t.Error("without authorities somebody was let in")
	}
	if err := store.SetClientCAs([]byte("no PEM")); err == nil {
		t.Error("no PEM is taken for authorities")
	}
	if err := store.SetClientCAs(ours.CertPEM()); err != nil {
		t.Fatal(err)
	}
	if err := try(clientOf(t, ours)); err != nil {
		t.Error(err)
	}
	if try() == nil || try(clientOf(t, others)) == nil {
		t.Error("a stranger was let in")
	}
	if err := store.SetClientCAs(ours.CertPEM(), others.CertPEM()); err != nil {
		t.Fatal(err)
	}
	if err := try(clientOf(t, others)); err != nil {
		t.Errorf("after another authority came: %v", err)
	}
}

func TestVersionsAndCiphers(t *testing.T) {
	var store Store
	if _, err := store.Replace([]Pair{pairFor(t, "shop.test")}); err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		server Options
		client *tls.Config
		want   uint16 // version, 0 for none
	}{
		"newest":       {Options{}, &tls.Config{}, tls.VersionTLS13},
		"1.2":          {Options{}, &tls.Config{MaxVersion: tls.VersionTLS12}, tls.VersionTLS12},
		"1.1 refused":  {Options{}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, 0},
		"1.1 allowed":  {Options{Min: tls.VersionTLS11}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, tls.VersionTLS11},
		"at most 1.2":  {Options{Max: tls.VersionTLS12}, &tls.Config{}, tls.VersionTLS12},
		"at least 1.3": {Options{Min: tls.VersionTLS13}, &tls.Config{MaxVersion: tls.VersionTLS12}, 0},
		"no CBC": {Options{}, &tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA},
		}, 0},
		"CBC asked for": {Options{Ciphers: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, &tls.Config{
			MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA},
		}, tls.VersionTLS12},
	} {
		row.server.Store, row.client.ServerName = &store, "shop.test"
		_, state, err := shake(t, config(t, row.server), row.client)
		if state.Version != row.want {
			t.Errorf("%s: %s, error %v; want %s", name, tls.VersionName(state.Version), err, tls.VersionName(row.want))
		}
	}
	for _, bad := range []Options{
		{Max: tls.VersionTLS11}, {Min: tls.VersionTLS13, Max: tls.VersionTLS12},
	} {
		if _, err := bad.Config(); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]uint16{
		"tls10": tls.VersionTLS10, "TLS12": tls.VersionTLS12, "tls1.3": tls.VersionTLS13, "0x0303": tls.VersionTLS12, "771": tls.VersionTLS12,
	} {
		got, err := ParseVersion(text)
		if got != want || err != nil {
			t.Errorf("%q: %#x, error %v", text, got, err)
		}
		if again, err := ParseVersion(FormatVersion(got)); again != got || err != nil {
			t.Errorf("%q: formatted %q, parsed %#x, error %v", text, FormatVersion(got), again, err)
		}
	}
	for _, text := range []string{"", "ssl3", "tls14", "0x0300", "99999999"} {
		if _, err := ParseVersion(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
	suites, err := ParseCiphers("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 0xc030")
	if err != nil || len(suites) != 2 || suites[0] != 0xc02f || suites[1] != 0xc030 {
		t.Errorf("%x, error %v", suites, err)
	}
	if text := FormatCiphers(suites); text != "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" {
		t.Errorf("formatted %q", text)
	}
	for _, text := range []string{"", "TLS_AES_128_GCM_SHA256", "TLS_NULL", "0xffff", "0xc02f,"} {
		if _, err := ParseCiphers(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// Others have the very names that the store has not, before what it has for all
// names.
func TestOthers(t *testing.T) {
	pair := func(host string) *tls.Certificate {
		c, err := pairFor(t, host).parse()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	issued, challenge := pair("issued.test"), pair("challenge.test")
	var store Store
	if _, err := store.Replace([]Pair{pairFor(t, "own.test"), pairFor(t, "*.wild.test")}); err != nil {
		t.Fatal(err)
	}
	other := func(hello *tls.ClientHelloInfo) *tls.Certificate {
		if hello.ServerName == "issued.test" || hello.ServerName == "a.wild.test" {
			return issued
		}
		return nil
	}
	o := Options{
		Store:  &store,
		Others: []func(*tls.ClientHelloInfo) *tls.Certificate{func(*tls.ClientHelloInfo) *tls.Certificate { return nil }, other},
		Challenges: []func(*tls.ClientHelloInfo) *tls.Certificate{func(hello *tls.ClientHelloInfo) *tls.Certificate {
			if hello.ServerName == "issued.test" {
				return challenge
			}
			return nil
		}},
		NextProtos: []string{"h2"},
	}
	for _, tt := range []struct {
		name, protocol, want string
		strict               bool
	}{
		{"own.test", "h2", "own.test", false}, {"issued.test", "h2", "issued.test", false}, {"a.wild.test", "h2", "*.wild.test", false},
		{"unknown.test", "h2", "own.test", false}, {"unknown.test", "h2", "", true}, {"issued.test", "h2", "issued.test", true},
		{"issued.test", ChallengeProtocol, "challenge.test", true}, {"own.test", ChallengeProtocol, "", false}, {"", ChallengeProtocol, "", false},
	} {
		o.Strict = tt.strict
		c, err := o.Config()
		if err != nil {
			t.Fatal(err)
		}
		host, _, err := shake(t, c, &tls.Config{ServerName: tt.name, NextProtos: []string{tt.protocol}})
		if host != tt.want || (err != nil) != (tt.want == "") {
			t.Errorf("%+v: %q, %v", tt, host, err)
		}
	}
	// While nothing could be read, what was issued is served all the same.
	o.Store, o.Strict = &Store{}, false
	c, err := o.Config()
	if err != nil {
		t.Fatal(err)
	}
	if host, _, err := shake(t, c, &tls.Config{ServerName: "issued.test", NextProtos: []string{"h2"}}); host != "issued.test" {
		t.Errorf("%q, %v", host, err)
	}
}

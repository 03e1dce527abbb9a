package lb

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
)

// Each row is what a client sends and what its upstream is told, by one line of
// the header. A line that ends in a colon is one that must not be there.
var forwardingRows = []struct {
	name    string
	trusted bool
	change  func(*Forwarding)
	sent    string
	want    []string
}{
	{name: "a plain client", want: []string{
		"X-Forwarded-For: 127.0.0.1", "X-Real-Ip: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: shop.test:8080",
		"X-Forwarded-Port: 8080", "X-Forwarded-Server: lb.test",
		`Forwarded: for=127.0.0.1;by=127.0.0.1;host="shop.test:8080";proto=http`,
	}},
	{name: "a stranger's prefix, uri, method and certificates", sent: "X-Forwarded-Prefix: /a\r\nX-Forwarded-Uri: /b\r\n" +
		"X-Forwarded-Method: PUT\r\nX-Forwarded-Tls-Client-Cert: c\r\nX-Forwarded-Tls-Client-Cert-Info: d\r\nX_Real_Ip: e\r\n",
		want: []string{"X-Forwarded-Prefix:", "X-Forwarded-Uri:", "X-Forwarded-Method:", "X-Forwarded-Tls-Client-Cert:",
			"X-Forwarded-Tls-Client-Cert-Info:", "X_real_ip:"}},
	{name: "a trusted proxy's are kept", trusted: true, sent: "X-Forwarded-For: 192.0.2.1\r\nX-Real-Ip: 192.0.2.1\r\n" +
		"X-Forwarded-Proto: https\r\nX-Forwarded-Host: a\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /p\r\n",
		want: []string{"X-Forwarded-For: 192.0.2.1, 127.0.0.1", "X-Real-Ip: 192.0.2.1", "X-Forwarded-Proto: https",
			"X-Forwarded-Host: a", "X-Forwarded-Port: 1", "X-Forwarded-Prefix: /p"}},
	{name: "two lines are one list", trusted: true, sent: "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n",
		want: []string{"X-Forwarded-For: 192.0.2.1, 192.0.2.2, 127.0.0.1"}},
	{name: "the scheme by Forwarded", trusted: true, sent: "Forwarded: for=192.0.2.1; proto=https\r\n",
		want: []string{"X-Forwarded-Proto: https"}},
	{name: "the scheme by X-Forwarded-Proto beats it", trusted: true, sent: "Forwarded: proto=https\r\nX-Forwarded-Proto: http\r\n",
		want: []string{"X-Forwarded-Proto: http"}},
	{name: "no scheme in Forwarded", trusted: true, sent: "Forwarded: for=192.0.2.1;proto=gopher\r\n",
		want: []string{"X-Forwarded-Proto: http"}},
	{name: "the scheme by a stranger's Forwarded", sent: "Forwarded: proto=https\r\n", want: []string{"X-Forwarded-Proto: http"}},
	{name: "the list kept as it is", trusted: true, change: func(f *Forwarding) { f.KeepForwardedFor = true },
		sent: "X-Forwarded-For: 192.0.2.1\r\n", want: []string{"X-Forwarded-For: 192.0.2.1"}},
	{name: "no list to keep", trusted: true, change: func(f *Forwarding) { f.KeepForwardedFor = true },
		want: []string{"X-Forwarded-For: 127.0.0.1"}},
	{name: "a stranger's list is not kept", change: func(f *Forwarding) { f.KeepForwardedFor = true },
		sent: "X-Forwarded-For: 192.0.2.1\r\n", want: []string{"X-Forwarded-For: 127.0.0.1"}},
	{name: "details", change: func(f *Forwarding) { f.Details = true }, want: []string{
		`Forwarded: for=127.0.0.1;by=127.0.0.1;host="shop.test:8080";proto=http;httpproto="http/1.1"`,
	}},
	{name: "an address of its own", change: func(f *Forwarding) { f.By = netip.MustParseAddr("2001:db8::1") }, want: []string{
		`Forwarded: for=127.0.0.1;by="[2001:db8::1]";host="shop.test:8080";proto=http`,
	}},
	{name: "the client's address", trusted: true, change: func(f *Forwarding) { f.ClientIPField = "X-Client" },
		sent: "X-Client: 6.6.6.6\r\nX_Client: 6.6.6.6\r\n", want: []string{"X-Client: 127.0.0.1", "X_client:"}},
	{name: "TLS, but there is none", trusted: true, change: func(f *Forwarding) { f.TLSField, f.TLSValue = "X-Secure", "yes" },
		sent: "X-Secure: yes\r\nX_SECURE: yes\r\n", want: []string{"X-Secure:", "X_secure:"}},
	{name: "a WebSocket is http too", sent: "Upgrade: websocket\r\n", want: []string{"X-Forwarded-Proto: http"}},
}

func TestForwarding(t *testing.T) {
	address := httpBackend(t, echo)
	for _, row := range forwardingRows {
		t.Run(row.name, func(t *testing.T) {
			r := start(t, func(o *ServerOptions) {
				if row.trusted {
					o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
				}
				if row.change != nil {
					row.change(&o.Forwarding)
				}
			}, testRoute{prefix: "/", backends: []string{address}})
			answer := r.raw("GET / HTTP/1.1\r\nHost: shop.test:8080\r\nConnection: close\r\n" + row.sent + "\r\n")
			if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
				t.Fatalf("%s", answer)
			}
			for _, want := range row.want {
				name, absent := strings.CutSuffix(want, ":")
				if absent && strings.Contains(answer, "\n"+name+": ") || !absent && !strings.Contains(answer, "\n"+want+"\n") {
					t.Errorf("want %q in\n%s", want, answer)
				}
			}
		})
	}
}

func TestForwardingOfRequestIDs(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Forwarding.RequestIDField = "X-Request-Id" },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	line := regexp.MustCompile(`\nX-Request-Id: ([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\n`)
	seen := map[string]bool{}
	for range 3 {
		answer := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Request-Id: mine\r\n\r\n")
		found := line.FindStringSubmatch(answer)
		if found == nil || seen[found[1]] {
			t.Fatalf("want a new identifier in\n%s", answer)
		}
		seen[found[1]] = true
	}
}

func TestForwardingOverTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "shop.test")
	address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/own" {
			w.Header().Set("Strict-Transport-Security", "max-age=1")
		}
		echo(w, r)
	})
	r := start(t, func(o *ServerOptions) {
		o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: certFile, KeyFile: keyFile}}
		o.Forwarding = Forwarding{
			TLSField: "X-Secure", TLSValue: "yes", Details: true, StrictTransport: StrictTransport(300, true, true),
		}
	}, testRoute{prefix: "/", backends: []string{address}})
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	for path, want := range map[string]string{
		"/": "max-age=300; includeSubDomains; preload", "/own": "max-age=1",
	} {
		resp, err := transport.RoundTrip(mustRequest(t, "https://"+r.addr+path))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got := resp.Header.Values("Strict-Transport-Security"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: Strict-Transport-Security is %q, want %q", path, got, want)
		}
		for _, want := range []string{"X-Secure: yes\n", `;proto=https;httpproto="http/1.1";tlsver=tls13;tlscipher=0x13`, "X-Forwarded-Proto: https\n"} {
			if !strings.Contains(string(body), want) {
				t.Errorf("want %q in\n%s", want, body)
			}
		}
	}
}

func mustRequest(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestStrictTransportIsForTLS(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Forwarding.StrictTransport = StrictTransport(300, false, false) },
		testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
	if answer := r.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"); strings.Contains(answer, "Strict-Transport") {
		t.Errorf("%s", answer)
	}
}

func TestForwardingOptionsAreChecked(t *testing.T) {
	for _, bad := range []Forwarding{
		{ClientIPField: "X Client"}, {RequestIDField: "X:"}, {TLSField: "X-Secure"}, {TLSField: "X-Secure", TLSValue: "a\r\nb"},
		{ClientIPField: "Host"}, {ClientIPField: "transfer-encoding"},
	} {
		if bad.validate() == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
	if err := (&Forwarding{ClientIPField: "X-Client", TLSField: "X-Secure", TLSValue: "yes"}).validate(); err != nil {
		t.Error(err)
	}
}

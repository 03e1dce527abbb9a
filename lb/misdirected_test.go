package lb

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/sluiceproxy/sluice/lb/listener"
)

// A request is for the host that TLS was agreed for, where clients are let in by
// their certificates or the operator wants it: RFC 9110 §15.5.20.
func TestMisdirectedRequest(t *testing.T) {
	ca, key := filepath.Join(t.TempDir(), "ca.pem"), filepath.Join(t.TempDir(), "ca.key")
	writePair(t, ca, key, "client.test")
	own, err := tls.LoadX509KeyPair(ca, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, protocol := range tlsWires {
		for _, tt := range []struct {
			clientCA   string
			mode       listener.SNIHostMode
			name, host string
			status     int
		}{
			{"", listener.SNIHostAuto, "shop.test", "other.test", 200},
			{"", listener.SNIHostSame, "shop.test", "other.test", 421},
			{"", listener.SNIHostSame, "shop.test", "Shop.Test.:8443", 200},
			{"", listener.SNIHostSame, "", "127.0.0.1", 200},
			{"", listener.SNIHostSame, "", "[::1]:443", 200},
			{"", listener.SNIHostSame, "", "shop.test", 421},
			{"", listener.SNIHostSame, "shop.test", "127.0.0.1", 421},
			{ca, listener.SNIHostAuto, "shop.test", "other.test", 421},
			{ca, listener.SNIHostAuto, "shop.test", "shop.test", 200},
			{ca, listener.SNIHostAny, "shop.test", "other.test", 200},
		} {
			r, _ := startTLS(t, protocol, func(o *ServerOptions) {
				o.Listeners[0].ClientCA, o.Listeners[0].SNIHost = tt.clientCA, tt.mode
			}, testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}})
			c := tlsClient(t, protocol, &tls.Config{InsecureSkipVerify: true, ServerName: tt.name, Certificates: []tls.Certificate{own}})
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+r.addr+"/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = tt.host
			resp, err := c.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != tt.status || resp.Proto != protocol {
				t.Errorf("%s, client certificates %v, mode %q: TLS for %q, host %q: %s %s, want %d",
					protocol, tt.clientCA != "", tt.mode, tt.name, tt.host, resp.Proto, resp.Status, tt.status)
			}
		}
	}
}

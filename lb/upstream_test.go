package lb

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/lb/h1"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// An https target is verified, and asked for under the name of the tag, unless
// the tag says that it must not be verified.
func TestHTTPSTargetsOfTags(t *testing.T) {
	var name atomic.Pointer[string]
	upstream := httptest.NewUnstartedServer(http.NotFoundHandler())
	upstream.Config.ErrorLog = log.New(io.Discard, "", 0)
	upstream.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		name.Store(&hello.ServerName)
		return nil, nil
	}}
	upstream.StartTLS()
	defer upstream.Close()
	host, port, err := net.SplitHostPort(upstream.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		options string
		ok      bool
		name    string
	}{
		{"proto=https", false, ""},
		{"proto=https tlsskipverify=yes", false, ""},
		{"proto=https tlsskipverify=true", true, ""},
		{"proto=https tlsskipverify=true host=dst", true, ""},
		{"proto=https tlsskipverify=true host=x.test", true, "x.test"},
	} {
		t.Run(test.options, func(t *testing.T) {
			number, _ := strconv.Atoi(port)
			d := tags.Parse(tags.DefaultOptions(), "web", []tags.Instance{{
				ID: "i", Address: host, Port: number, Serving: true, Tags: []string{"urlprefix-/ " + test.options},
			}})
			o := DefaultServerOptions()
			key := members(d.Pools[0].Endpoints, nil)[0].Key
			pool := h1.NewPool(key.Address, poolOptions(key, &o))
			defer pool.CloseIdle()
			answer, err := pool.Send(t.Context(), &h1.Call{Method: "GET", Path: "/", Host: "x"})
			if (err == nil) != test.ok {
				t.Fatalf("the error is %v", err)
			}
			if err != nil {
				return
			}
			answer.Close()
			if got := *name.Load(); got != test.name {
				t.Errorf("the target was asked for %q, want %q", got, test.name)
			}
		})
	}
}

package lb

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// Streams that clients reset leave nothing behind that is still being read: the
// race detector sees to it, for buffers are overwritten when they are given back.
func TestHTTP2StreamsThatAreReset(t *testing.T) { testStreamsThatAreReset(t, "HTTP/2.0") }

func testStreamsThatAreReset(t *testing.T, protocol string) {
	t.Helper()
	body := strings.Repeat("0123456789abcdef", 1<<20/16)
	upstream := lbtest.Record(t, lbtest.Say(okay+"X-Long: "+strings.Repeat("x", 2000)+"\r\nContent-Length: 1048576\r\n\r\n"+body))
	r, c := startTLS(t, protocol, nil, testRoute{prefix: "/", backends: []string{upstream.Addr}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+r.addr+"/x", nil)
				if err != nil {
					t.Error(err)
				}
				resp, err := c.Do(req)
				if err != nil {
					t.Error(err)
					cancel()
					return
				}
				_, _ = io.CopyN(io.Discard, resp.Body, int64(i)*10_000)
				cancel()
				resp.Body.Close()
			}
		})
	}
	wg.Wait()
	eventually(t, "all exchanges are over", func() bool { return r.inFlight() == 0 })
}

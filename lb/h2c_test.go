package lb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// wires are the ways a client may speak to the load balancer.
var wires = []string{"HTTP/1.1", "HTTP/2.0", "h2c", "HTTP/3.0"}

// startWire runs a server for clients that speak in one of these ways, at url.
func startWire(t *testing.T, wire string, change func(*ServerOptions), routes ...testRoute) (r *rig, c *http.Client, url string) {
	t.Helper()
	if wire == "HTTP/2.0" || wire == "HTTP/3.0" {
		r, c = startTLS(t, wire, change, routes...)
		return r, c, "https://" + r.addr
	}
	r = start(t, change, routes...)
	transport := &http.Transport{DisableCompression: true, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(wire == "HTTP/1.1")
	transport.Protocols.SetUnencryptedHTTP2(wire == "h2c")
	t.Cleanup(transport.CloseIdleConnections)
	return r, &http.Client{Transport: transport}, "http://" + r.addr
}

// h2cBackend starts an upstream that speaks nothing but HTTP/2, without TLS.
func h2cBackend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	return "h2c://" + lbtest.H2C(t, h)
}

func TestHTTP2Target(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Proto", r.Proto)
				w.Header().Set("Keep-Alive", "x")
				w.Header().Add("X-Two", "1")
				w.Header().Add("X-Two", "2")
				w.WriteHeader(http.StatusTeapot)
				echo(w, r)
			})
			r, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			for _, body := range []string{"", "small", strings.Repeat("large ", 50_000)} {
				request, _ := http.NewRequest("PATCH", url+"/a%2Fb/c;d?q=%20&x&", strings.NewReader(body))
				request.Host, request.Header["User-Agent"] = "shop.test:81", nil
				request.Header.Set("X-Mine", "yes")
				resp, err := c.Do(request)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Proto") != "HTTP/2.0" || resp.Header.Get("Keep-Alive") != "" ||
					!slices.Equal(resp.Header["X-Two"], []string{"1", "2"}) {
					t.Errorf("%s %v", resp.Status, resp.Header)
				}
				got := string(text)
				for _, want := range []string{
					"PATCH /a%2Fb/c;d?q=%20&x&\nHost: shop.test:81\n", "X-Mine: yes\n", "X-Forwarded-For: 127.0.0.1\n", "X-Forwarded-Host: shop.test:81\n",
					fmt.Sprintf("Content-Length: %d\n", len(body)),
				} {
					if wire == "HTTP/3.0" && want == "Content-Length: 0\n" {
						continue // the client does not say it, and the end may come later
					}
					if !strings.Contains(got, want) {
						t.Errorf("%q is missing in:\n%.600s", want, got)
					}
				}
				if strings.Contains(got, "User-Agent") || strings.Contains(got, "Accept-Encoding") {
					t.Errorf("fields are invented:\n%.600s", got)
				}
				if _, rest, _ := strings.Cut(got, "\n\n"); rest != body {
					t.Errorf("%d bytes of the body of %d arrived", len(rest), len(body))
				}
			}
			eventually(t, "the exchanges have ended", func() bool { return r.Metrics().InFlight == 0 })
			if m := r.Metrics().Targets[0]; m.Open != 1 || m.Requests != 3 || m.InFlight != 0 || m.Failures != 0 || m.Target != backend {
				t.Errorf("%+v", m)
			}
		})
	}
}

// Answers that have no body keep the length they tell.
func TestHTTP2TargetWithoutBodies(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/304":
			w.WriteHeader(http.StatusNotModified)
		case "/204":
			w.WriteHeader(http.StatusNoContent)
		case "/7":
			w.Header().Set("Content-Length", "7")
			io.WriteString(w, "seven b")
		}
	})}})
	for request, want := range map[string]string{"GET /304": "304", "GET /204": "204", "GET /0": "200 Content-Length: 0", "HEAD /7": "200 Content-Length: 7", "GET /7": "200 Content-Length: 7 seven b"} {
		got := r.raw(request + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		status, rest, _ := strings.Cut(strings.TrimPrefix(got, "HTTP/1.1 "), " ")
		if _, length, ok := strings.Cut(rest, "\r\nContent-Length: "); ok {
			status += " Content-Length: " + length[:1]
		}
		_, body, _ := strings.Cut(rest, "\r\n\r\n")
		if got := strings.TrimSpace(status + " " + body); got != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
}

func TestHTTP2TargetTrailers(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
				io.Copy(w, r.Body)
				w.(http.Flusher).Flush() // else the answer gets a length, which goes with no trailers
				w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Sum")+" of "+r.Header.Get("TE"))
			})
			_, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			request, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader("body"))) // of no known length
			request.Header.Set("TE", "trailers")
			request.Trailer = http.Header{"X-Sum": {"42"}}
			if wire == "HTTP/1.1" {
				request.Header.Set("Connection", "TE")
			}
			resp, err := c.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if body, err := io.ReadAll(resp.Body); string(body) != "body" || err != nil || resp.Trailer.Get("X-Sum") != "42 of trailers" {
				t.Errorf("%q, trailer %v, %v", body, resp.Trailer, err)
			}
		})
	}
}

// Both directions stream: each message is answered before the next is sent, and
// nothing waits for an end.
func TestHTTP2TargetStreamsBothWays(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusOK)
				w.(http.Flusher).Flush()
				for lines := bufio.NewScanner(r.Body); lines.Scan(); {
					fmt.Fprintf(w, "echo %s\n", lines.Text())
					w.(http.Flusher).Flush()
				}
			})
			_, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			body, write := io.Pipe()
			resp, err := c.Post(url, "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			lines := bufio.NewReader(resp.Body)
			for n := range 20 {
				fmt.Fprintf(write, "%d\n", n)
				if line, err := lines.ReadString('\n'); line != fmt.Sprintf("echo %d\n", n) {
					t.Fatalf("%q, %v", line, err)
				}
			}
			write.Close()
			if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

// Who is not interested any more is noticed at the other end, in both directions.
func TestHTTP2TargetCancellation(t *testing.T) {
	for _, wire := range wires {
		for _, answering := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s answering %v", wire, answering), func(t *testing.T) {
				begun, gone := make(chan struct{}), make(chan struct{})
				backend := h2cBackend(t, func(w http.ResponseWriter, r *http.Request) {
					if answering {
						w.WriteHeader(http.StatusOK)
						w.(http.Flusher).Flush()
					}
					close(begun)
					<-r.Context().Done()
					close(gone)
				})
				r, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
				ctx, cancel := context.WithCancel(t.Context())
				request, _ := http.NewRequestWithContext(ctx, "GET", url, http.NoBody)
				ended := make(chan error, 1)
				go func() {
					resp, err := c.Do(request)
					if err == nil {
						_, err = io.ReadAll(resp.Body)
						resp.Body.Close()
					}
					ended <- err
				}()
				<-begun
				cancel()
				<-gone
				if err := <-ended; !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				eventually(t, "the exchange has ended", func() bool { return r.Metrics().InFlight == 0 })
				if m := r.Metrics().Targets[0]; m.Failures != 0 || m.InFlight != 0 {
					t.Errorf("the target is blamed: %+v", m)
				}
			})
		}
	}
}

// An answer that breaks off reaches the client visibly truncated.
func TestHTTP2TargetBreaksOff(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "the first half")
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			})
			r, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			resp, err := c.Get(url)
			if err == nil {
				defer resp.Body.Close()
				if body, err := io.ReadAll(resp.Body); err == nil {
					t.Errorf("%q looks whole", body)
				}
			} else if wire != "HTTP/3.0" { // where a reset may overtake what was sent before
				t.Fatal(err)
			}
			eventually(t, "the target is blamed", func() bool { return r.Metrics().Targets[0].Failures == 1 })
		})
	}
}

// A body that breaks off is no complete one to the target.
func TestHTTP2TargetOfABrokenBody(t *testing.T) {
	read := make(chan error, 1)
	backend := h2cBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	r := start(t, nil, testRoute{prefix: "/", backends: []string{backend}})
	got := r.raw("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nz")
	if err := <-read; err == nil {
		t.Error("the target saw a whole body")
	}
	if !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("the client got %q", got)
	}
	eventually(t, "the exchange has ended", func() bool { return r.Metrics().InFlight == 0 })
	if m := r.Metrics().Targets[0]; m.Failures != 0 {
		t.Errorf("the target is blamed: %+v", m)
	}
}

// An early answer does not wait for the rest of the request.
func TestHTTP2TargetEarlyAnswer(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "3")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				io.WriteString(w, "big")
			})
			r, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			body, more := io.Pipe() // never ends
			defer more.Close()
			resp, err := c.Post(url, "text/plain", body)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if text, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestEntityTooLarge || string(text) != "big" || err != nil {
				t.Errorf("%s %q, %v", resp.Status, text, err)
			}
			eventually(t, "the exchange has ended", func() bool { return r.Metrics().InFlight == 0 })
		})
	}
}

func TestHTTP2TargetInforms(t *testing.T) {
	for _, wire := range wires {
		t.Run(wire, func(t *testing.T) {
			backend := h2cBackend(t, func(w http.ResponseWriter, _ *http.Request) {
				for n := range 8 {
					w.Header().Set("Link", fmt.Sprintf("</%d>", n))
					w.WriteHeader(http.StatusEarlyHints)
				}
				w.WriteHeader(http.StatusOK)
			})
			_, c, url := startWire(t, wire, nil, testRoute{prefix: "/", backends: []string{backend}})
			var links []string
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(status int, h textproto.MIMEHeader) error {
				links = append(links, fmt.Sprint(status, h.Get("Link")))
				return nil
			}})
			request, _ := http.NewRequestWithContext(ctx, "GET", url, http.NoBody)
			resp, err := c.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if want := []string{"103</0>", "103</1>", "103</2>", "103</3>", "103</4>"}; !slices.Equal(links, want) {
				t.Errorf("%q, want the first five", links)
			}
		})
	}
}

// There are no upgrades over HTTP/2: the request goes on as any other.
func TestHTTP2TargetOfAWebSocket(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{h2cBackend(t, echo)}})
	got := r.raw("GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n")
	if !strings.HasPrefix(got, okay) || !strings.Contains(got, "GET /chat\n") || strings.Contains(got, "Upgrade: ") {
		t.Errorf("%q", got)
	}
}

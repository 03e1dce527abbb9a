package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// Copies of bodies have a bound in common. What is beyond is counted and told, and
// the client does not notice.
func TestCopiesAreBounded(t *testing.T) {
	stuck := make(chan struct{})
	main := httpBackend(t, echo)
	mirror := httpBackend(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		select {
		case <-stuck:
		case <-r.Context().Done():
		}
	})
	tags := []string{
		"traefik.http.routers.app.rule=PathPrefix(`/`)", "traefik.http.routers.app.service=app",
		"traefik.http.services.app.mirroring.service=main", "traefik.http.services.app.mirroring.mirrors[0].name=mirror",
		"traefik.http.services.app.mirroring.mirrors[0].percent=100",
	}
	c := startWithCatalog(t, func(s *watchtest.Source) {
		registerAmong(s, "main", []string{"traefik.enable=true"}, watch.Passing, main)
		registerAmong(s, "mirror", []string{"traefik.enable=true"}, watch.Passing, mirror)
		registerAmong(s, "declares", tags, watch.Passing, "127.0.0.1:1")
		s.Set(watch.Services{}, []watch.ServiceTags{
			{Name: "declares", Tags: tags}, {Name: "main", Tags: []string{"traefik.enable=true"}}, {Name: "mirror", Tags: []string{"traefik.enable=true"}},
		})
	}, func(o *ServerOptions) { o.MaxKeptBodies = 25 })
	eventually(t, "the catalog was read", c.Ready)
	post := func() {
		t.Helper()
		answer, err := client(t).Post(c.url("/"), "text/plain", strings.NewReader("ten bytes."))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); !strings.HasSuffix(string(text), "ten bytes.") {
			t.Errorf("%d %q", answer.StatusCode, text)
		}
	}
	for range 5 {
		post()
	}
	eventually(t, "two copies are sent, and three are not", func() bool {
		m := c.Metrics()
		return m.Mirrored == 2 && m.Unmirrored == 3 && c.keptBodies.used.Load() == 20
	})
	told := func() int { return strings.Count(c.log.String(), "copies of requests are not sent") }
	eventually(t, "it is told", func() bool { return told() > 0 })
	close(stuck)
	eventually(t, "there is room again", func() bool { return c.keptBodies.used.Load() == 0 })
	post()
	eventually(t, "it is used", func() bool { return c.Metrics().Mirrored == 3 })
	eventually(t, "all is given back", func() bool { return c.keptBodies.used.Load() == 0 })
	if n := told(); n != 1 {
		t.Errorf("it is told %d times", n)
	}
}

// A small body is there for the fallback, however soon a service answers: it may
// have looked at the head alone.
func TestFailoverBeforeTheBodyIsRead(t *testing.T) {
	c := startComposed(t, []string{
		"app.failover.service=main", "app.failover.fallback=backup", "app.failover.errors.status=500-599",
	}, map[string]http.HandlerFunc{
		"main": nil,
		"backup": func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "backup %d", len(text))
		},
	})
	c.backends["main"] = lbtest.Serve(t, func(nc *net.TCPConn) {
		if _, err := lbtest.NewRecording(nc).Head(); err == nil {
			_, _ = io.WriteString(nc, "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 4\r\n\r\nfull")
		}
	})
	c.set(c.source, "main", watch.Passing)
	eventually(t, "the service is asked", func() bool { status, body := c.get("/"); return status == 200 && body == "backup 0" })
	for _, length := range []int{1, 100, maxReadAhead} {
		for range 50 {
			nc, err := net.Dial("tcp", c.addr)
			if err != nil {
				t.Fatal(err)
			}
			// As clients do that send the head by itself.
			fmt.Fprintf(nc, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", length)
			_, _ = nc.Write(make([]byte, length))
			answer, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			nc.Close()
			if got := fmt.Sprint(answer.StatusCode, " ", string(text)); got != fmt.Sprint("200 backup ", length) {
				t.Fatalf("%d bytes: %s", length, got)
			}
		}
	}
	eventually(t, "nothing is kept of any body", func() bool { return c.keptBodies.used.Load() == 0 })
}

// A client that does not send what it has announced is not waited for for ever, and
// no service is troubled with it.
func TestFailoverOfABodyThatBreaksOff(t *testing.T) {
	asked := make(chan string, 10)
	service := func(name string) http.HandlerFunc {
		return func(http.ResponseWriter, *http.Request) { asked <- name }
	}
	c := startComposed(t, []string{
		"app.failover.service=main", "app.failover.fallback=backup", "app.failover.errors.status=500-599",
	}, map[string]http.HandlerFunc{"main": service("main"), "backup": service("backup")})
	nc, err := net.Dial("tcp", c.addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(nc, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhalf")
	nc.Close()
	eventually(t, "the exchange is over", func() bool { m := c.Metrics(); return m.InFlight == 0 && m.Entrypoints[0].Seconds > 0 })
	select {
	case name := <-asked:
		t.Errorf("%s was asked", name)
	default:
	}
	eventually(t, "nothing is kept of any body", func() bool { return c.keptBodies.used.Load() == 0 })
}

// A service that answers before it has read the body leaves none for the fallback:
// its own answer is the one. One that cannot be reached has read nothing.
func TestFailoverWithoutTheBody(t *testing.T) {
	c := startComposed(t, []string{
		"app.failover.service=main", "app.failover.fallback=backup", "app.failover.errors.status=500-599",
	}, map[string]http.HandlerFunc{
		"main": func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).EnableFullDuplex() //nolint:errcheck // HTTP/1
			if r.ContentLength > 0 {
				_, _ = io.Copy(io.Discard, r.Body) // an answer in front of it would leave nothing to send again
			}
			// net/http panics when it goes on to read from such a connection, with a body nobody has read.
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, "main is full")
		},
		"backup": func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "backup %s", text)
		},
	})
	post := func(body io.Reader) string {
		t.Helper()
		answer, err := client(t).Post(c.url("/"), "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		return fmt.Sprint(answer.StatusCode, " ", string(text))
	}
	if got := post(strings.NewReader("form")); got != "200 backup form" {
		t.Errorf("with all of the body: %s", got)
	}
	rest, half := io.Pipe()
	defer half.Close()
	go func() { io.WriteString(half, "half") }()
	if got := post(rest); got != "503 main is full" {
		t.Errorf("with a body that was still being sent: %s", got)
	}
	c.backends["main"] = lbtest.Refusing(t)
	c.set(c.source, "main", watch.Passing)
	eventually(t, "the fallback is asked for those who cannot be reached", func() bool { return post(strings.NewReader("form")) == "200 backup form" })
	// The client may have its answer a moment before.
	eventually(t, "nothing is kept of any body", func() bool { return c.keptBodies.used.Load() == 0 })
}

// A mirror that leads back to the service whose requests are copied is no machine that
// runs for ever: copies of copies end, and the client's request is served as ever.
func TestCopiesThatComeBackEnd(t *testing.T) {
	var seen atomic.Int32 // by the service itself
	var back atomic.Bool  // was a copy
	c := startComposed(t, []string{
		"app.mirroring.service=main", "app.mirroring.mirrors[0].name=self", "app.mirroring.mirrors[0].percent=100",
	}, map[string]http.HandlerFunc{
		"main": func(w http.ResponseWriter, r *http.Request) {
			if seen.Add(1); r.Header.Get(copyField) != "" {
				back.Store(true)
			}
			io.WriteString(w, "copy "+r.Header.Get(copyField))
		},
		"self": echo,
	})
	c.backends["self"] = c.addr
	c.set(c.source, "self", watch.Passing)
	eventually(t, "a copy comes back", func() bool {
		if status, text := c.get("/"); status != http.StatusOK || text != "copy " {
			t.Errorf("answered %d %q", status, text)
		}
		return back.Load()
	})
	eventually(t, "all copies have come to an end", func() bool { return c.copies.flying.Load() == 0 && c.Metrics().InFlight == 0 })
	before, sent := seen.Load(), c.Metrics().Mirrored
	c.get("/")
	eventually(t, "a request is four", func() bool { return seen.Load() == before+1+maxGenerations })
	c.stop()
	if n := c.Metrics().Mirrored - sent; n != maxGenerations {
		t.Errorf("it was copied %d times", n)
	}
}

// A stranger's word does not put off the end of copies of copies.
func TestGenerationIsNeverBelowNone(t *testing.T) {
	for text, want := range map[string]int{"": 0, "2": 2, "-1000000": 0, "-99999999999999999999": 0, "many": 0} {
		h := &Header{}
		h.Add(copyField, text)
		if got := generation(h); got != want {
			t.Errorf("%q is generation %d, want %d", text, got, want)
		}
	}
}

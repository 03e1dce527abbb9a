package lb

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// eventSource reads server-sent events as browsers do (WHATWG HTML, "Server-sent
// events"): when the stream breaks off it asks again, from the event behind the
// last one it was given.
type eventSource struct {
	client *http.Client
	url    string
	lastID string
	body   io.Closer
	lines  *bufio.Scanner
	asked  int // how many times
}

type event struct{ name, data, id string }

func (s *eventSource) connect(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-store")
	if s.lastID != "" {
		req.Header.Set("Last-Event-ID", s.lastID)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	s.asked++
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream" {
		resp.Body.Close()
		return fmt.Errorf("%s with %s", resp.Status, kind)
	}
	s.body, s.lines = resp.Body, bufio.NewScanner(resp.Body)
	return nil
}

// next waits for an event.
func (s *eventSource) next(ctx context.Context) (event, error) {
	for {
		if s.lines == nil {
			if err := s.connect(ctx); err != nil {
				return event{}, err
			}
		}
		if e, ok := s.read(); ok {
			return e, nil
		}
		s.close() // and ask again
		if ctx.Err() != nil {
			return event{}, ctx.Err()
		}
	}
}

func (s *eventSource) read() (event, bool) {
	e := event{name: "message", id: s.lastID}
	var data []string
	for s.lines.Scan() {
		line := s.lines.Text()
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "" && data == nil:
			e = event{name: "message", id: s.lastID}
		case line == "":
			e.data, s.lastID = strings.Join(data, "\n"), e.id
			return e, true
		case name == "event":
			e.name = value
		case name == "data":
			data = append(data, value)
		case name == "id":
			e.id = value
		}
	}
	return event{}, false // an event that is not complete is none
}

func (s *eventSource) close() {
	if s.body != nil {
		s.body.Close()
	}
	s.body, s.lines = nil, nil
}

func TestServerSentEvents(t *testing.T) {
	for _, protocol := range tlsWires {
		t.Run(protocol, func(t *testing.T) {
			release, left := make(chan struct{}), make(chan struct{}, 1)
			address := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				first, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
				for n := first + 1; ; n++ {
					fmt.Fprintf(w, ": a comment\nid: %d\nevent: tick\ndata: %d\ndata: more\n\n", n, n)
					w.(http.Flusher).Flush()
					select {
					case <-release:
					case <-r.Context().Done():
						left <- struct{}{}
						return
					}
					if n == 3 {
						fmt.Fprintf(w, "id: 99\ndata: half an event")
						panic(http.ErrAbortHandler)
					}
				}
			})
			r, c := startTLS(t, protocol, nil, testRoute{prefix: "/", backends: []string{address}})
			source := &eventSource{client: c, url: "https://" + r.addr + "/events"}
			for n := range 6 {
				// The upstream waits until this one came: it was passed on at once.
				e, err := source.next(t.Context())
				if want := (event{"tick", fmt.Sprintf("%d\nmore", n+1), strconv.Itoa(n + 1)}); e != want || err != nil {
					t.Fatalf("event %d is %q, %v", n+1, e, err)
				}
				if n < 5 {
					release <- struct{}{}
				}
			}
			if source.asked != 2 {
				t.Errorf("asked %d times, want once more after the upstream broke off", source.asked)
			}
			source.close()
			<-left
			eventually(t, "the exchange has ended", func() bool { return r.inFlight() == 0 })
		})
	}
}

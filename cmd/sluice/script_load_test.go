package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// load is requests for a URL over several connections, one after the other on
// each, until it is ended.
type load struct {
	stop     chan struct{}
	clients  sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	failures []string
}

// Enough to be in the middle of something at any time, and not too much for the
// machine.
const (
	loadClients = 8
	loadPause   = 2 * time.Millisecond
)

// load NAME URL…            begins GET requests over 8 connections. Of several URLs, the
//
//	next one is asked when the one before refuses connections
//	or is not ready (its path /readyz is not 200)
//
// load NAME wait N          waits until N more were answered
// load NAME end             ends it: none may have failed.
func loadCommand(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if len(args) < 2 || neg {
		ts.Fatalf("usage: load NAME URL…|wait N|end")
	}
	if s.loads == nil {
		s.loads = map[string]*load{}
	}
	l := s.loads[args[0]]
	switch {
	case args[1] == "wait" && l != nil && len(args) == 3:
		more := int64(0)
		if _, err := fmt.Sscan(args[2], &more); err != nil {
			ts.Fatalf("load: %v", err)
		}
		from := l.answered.Load()
		ts.Check(poll(func() error {
			if got := l.answered.Load(); got < from+more {
				return fmt.Errorf("load %s: %d answers more, want %d: %v", args[0], got-from, more, l.faults())
			}
			return nil
		}))
	case args[1] == "end" && l != nil:
		l.end()
		if faults := l.faults(); len(faults) > 0 {
			ts.Fatalf("load %s: %d of %d requests failed: %s", args[0], len(faults), l.answered.Load(), strings.Join(faults[:min(5, len(faults))], "\n"))
		}
		ts.Logf("load %s: %d answers", args[0], l.answered.Load())
	default:
		l = &load{stop: make(chan struct{})}
		s.loads[args[0]] = l
		for range loadClients {
			l.clients.Go(func() { l.run(args[1:]) })
		}
		ts.Defer(l.end)
	}
}

func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.clients.Wait()
}

func (l *load) faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.failures...)
}

// run makes requests over a connection of its own.
func (l *load) run(urls []string) {
	transport := &http.Transport{MaxIdleConnsPerHost: 1, DialContext: (&net.Dialer{Timeout: patience}).DialContext}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: patience}
	for {
		select {
		case <-l.stop:
			return
		case <-time.After(loadPause):
		}
		place, ready := urls[0], ""
		if admin, url, ok := strings.Cut(place, "="); ok { // ADMIN=URL
			ready, place = "http://"+admin+"/readyz", url
		}
		if ready != "" && !isReady(client, ready) && len(urls) > 1 {
			urls = urls[1:]
			continue
		}
		if err := ask(client, place); err != nil {
			l.mu.Lock()
			l.failures = append(l.failures, err.Error())
			l.mu.Unlock()
		}
		l.answered.Add(1)
	}
}

func isReady(client *http.Client, url string) bool {
	answer, err := client.Get(url)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

func ask(client *http.Client, url string) error {
	answer, err := client.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, answer.Status, text)
	}
	return err
}

// flap SERVICES ROUNDS registers so many services f0, f1, … with a route, and takes
// each away and brings it back so many times.
func flap(ts *testscript.TestScript, _ bool, args []string) {
	var services, rounds int
	if _, err := fmt.Sscan(strings.Join(args, " "), &services, &rounds); err != nil {
		ts.Fatalf("usage: flap SERVICES ROUNDS: %v", err)
	}
	agent := of(ts).agent
	for round := range rounds {
		for i := range services {
			agent.Register(fmt.Sprintf(`{"name": "f%d", "address": "127.0.0.1", "port": %d, "tags": ["urlprefix-/f%d"]}`, i, 1+round, i))
		}
		for i := range services {
			agent.Deregister(fmt.Sprint("f", i))
		}
	}
}

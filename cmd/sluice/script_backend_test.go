package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// backend NAME           starts a web server on $IP that answers every request with its
//
//	name, the path and the headers it got, and sets NAME_PORT. With
//	?redirect=URL it redirects there
//
// backend NAME only P    starts one that answers 404 to paths that do not begin with P
// backend NAME kill      ends it
// backend NAME hold      starts one that holds requests
// backend NAME held      waits until it holds one
// backend NAME release   lets all of them be answered.
func backend(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	name, verb := args[0], strings.Join(args[1:], " ")
	switch verb {
	case "", "hold":
		s.backends[name] = startBackend(ts, name, verb == "hold", "")
	case "kill":
		s.backends[name].server.CloseClientConnections()
		s.backends[name].server.Close()
	case "held":
		<-s.backends[name].held
	case "release":
		s.backends[name].release()
	default:
		only, ok := strings.CutPrefix(verb, "only ")
		if !ok {
			ts.Fatalf("usage: backend NAME [kill|hold|held|release|only PREFIX]")
		}
		s.backends[name] = startBackend(ts, name, false, only)
	}
}

// instance is a web server a script started.
type instance struct {
	server  *httptest.Server
	held    chan struct{} // receives once for each request that is held
	release func()
}

// startBackend starts one that knows paths with that prefix only, and answers 404
// to others.
func startBackend(ts *testscript.TestScript, name string, hold bool, only string) instance {
	released := make(chan struct{})
	i := instance{held: make(chan struct{}), release: sync.OnceFunc(func() { close(released) })}
	if !hold {
		i.release()
	}
	l, err := net.Listen("tcp", net.JoinHostPort(ts.Getenv("IP"), "0"))
	ts.Check(err)
	handler := func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-released:
		case i.held <- struct{}{}:
			<-released
		}
		switch to := r.URL.Query().Get("redirect"); {
		case to != "":
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		case !strings.HasPrefix(r.URL.Path, only):
			w.WriteHeader(http.StatusNotFound)
		}
		fmt.Fprintf(w, "%s %s %s\n", name, r.Method, r.URL)
		fmt.Fprintf(w, "Host: %s\n", r.Host)
		for key, values := range r.Header {
			fmt.Fprintf(w, "%s: %s\n", key, strings.Join(values, ", "))
		}
	}
	i.server = &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(handler)}}
	i.server.Start()
	ts.Defer(func() {
		i.release()
		i.server.Close()
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(name+"_PORT", port)
	return i
}

package consul

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestFetch_URLs(t *testing.T) {
	scope := watch.Scope{Datacenter: "dc2", Namespace: "ns1", Partition: "p1", Peer: "pe"}
	for _, test := range []struct {
		query watch.Query
		body  string
		want  string
	}{
		{watch.Services{}, `{}`, "/v1/catalog/services"},
		{watch.Services{Scope: scope, Filter: `ServiceName == "a"`}, `{}`,
			"/v1/catalog/services?dc=dc2&filter=ServiceName+%3D%3D+%22a%22&ns=ns1&partition=p1&peer=pe"},
		{watch.Health{Service: "web"}, `[]`, "/v1/health/service/web"},
		{watch.Health{Service: "we b/ü?", Tag: "a=b", Near: "_agent", PassingOnly: true}, `[]`,
			"/v1/health/service/we%20b%2F%C3%BC%3F?near=_agent&passing=1&tag=a%3Db"},
		{watch.Health{Service: "web", Connect: true, Filter: "x"}, `[]`, "/v1/health/connect/web?filter=x"},
		{watch.Health{Service: "web", Scope: watch.Scope{SamenessGroup: "sg"}}, `[]`, "/v1/health/service/web?sameness-group=sg"},
		{watch.Key{Path: "a/b"}, `[{"Key":"a/b"}]`, "/v1/kv/a/b"},
		{watch.Key{Path: "/a b/c+d:e;f%/ö?#/"}, `[{"Key":"x"}]`, "/v1/kv/a%20b/c+d:e%3Bf%25/%C3%B6%3F%23/"},
		{watch.Prefix{Path: "app"}, `[]`, "/v1/kv/app?recurse="},
		{watch.Prefix{Path: "/"}, `[]`, "/v1/kv/?recurse="},
		{watch.Keys{Path: "app/", Separator: "/"}, `[]`, "/v1/kv/app/?keys=&separator=%2F"},
		{watch.Nodes{Near: "n1", Filter: "f"}, `[]`, "/v1/catalog/nodes?filter=f&near=n1"},
		{watch.Node{Name: "n 1"}, `null`, "/v1/catalog/node/n%201"},
		{watch.Datacenters{}, `[]`, "/v1/catalog/datacenters"},
		{watch.PreparedQuery{Name: "q/1", Near: "n"}, `{}`, "/v1/query/q%2F1/execute?near=n"},
	} {
		t.Run(test.query.String(), func(t *testing.T) {
			server := serve(t, 200, test.body, nil)
			s := newSource(t, Config{Address: server.URL})
			if !s.Answers(test.query) {
				t.Fatal("not answered")
			}
			if _, err := s.Fetch(t.Context(), watch.Request{Query: test.query, Wait: time.Minute}); err != nil {
				t.Fatal(err)
			}
			if got := server.last(t).RequestURI; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestFetch_BlockingAndModes(t *testing.T) {
	for _, test := range []struct {
		name       string
		mode       Mode
		query      watch.Query
		index      uint64
		wait       time.Duration
		consistent bool
		body, want string
	}{
		{"first request does not block", Default, watch.Nodes{}, 0, time.Minute, false, `[]`, "/v1/catalog/nodes"},
		{"index and wait", Default, watch.Nodes{}, 12, time.Minute, false, `[]`, "/v1/catalog/nodes?index=12&wait=60000ms"},
		{"a wait is never zero", Default, watch.Nodes{}, 12, time.Nanosecond, false, `[]`, "/v1/catalog/nodes?index=12&wait=1ms"},
		{"stale", Stale, watch.Nodes{}, 12, time.Minute, false, `[]`, "/v1/catalog/nodes?index=12&stale=&wait=60000ms"},
		{"stale to be confirmed", Stale, watch.Nodes{}, 12, time.Minute, true, `[]`, "/v1/catalog/nodes?index=12&wait=60000ms"},
		{"consistent", Consistent, watch.Nodes{}, 0, time.Minute, false, `[]`, "/v1/catalog/nodes?consistent="},
		{"prepared queries never block", Default, watch.PreparedQuery{Name: "q"}, 12, time.Minute, false, `{}`, "/v1/query/q/execute"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, 200, test.body, nil)
			s := newSource(t, Config{Address: server.URL, Mode: test.mode})
			_, err := s.Fetch(t.Context(), watch.Request{Query: test.query, Index: test.index, Wait: test.wait, Consistent: test.consistent})
			if err != nil {
				t.Fatal(err)
			}
			if got := server.last(t).RequestURI; got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestFetch_ConfiguredScopeCountsWhereTheQueryHasNone(t *testing.T) {
	server := serve(t, 200, `[]`, nil)
	s := newSource(t, Config{Address: server.URL + "/prefix/", Datacenter: "dc1", Namespace: "n", Partition: "p"})
	fetch(t, s, watch.Nodes{Scope: watch.Scope{Datacenter: "dc2"}})
	if got, want := server.last(t).RequestURI, "/prefix/v1/catalog/nodes?dc=dc2&ns=n&partition=p"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFetch_Values(t *testing.T) {
	entry := `{"Node":{"ID":"i","Node":"n","Address":"10.0.0.1","Datacenter":"dc1","TaggedAddresses":{"lan":"10.0.0.1"},"Meta":{"a":"b"}},
		"Service":{"ID":"web-1","Service":"web","Tags":["b","a"],"Meta":{"m":"1"},"Address":"","TaggedAddresses":{"lan":{"Address":"1.2.3.4","Port":5}},
		"Port":80,"Weights":{"Passing":3,"Warning":2},"EnableTagOverride":true,"Kind":"connect-proxy","PeerName":"pe","Namespace":"ns","Partition":"pa","Proxy":{"Mode":"x"},"CreateIndex":4,"ModifyIndex":5},
		"Checks":[{"Node":"n","CheckID":"c","Name":"C","Status":"passing","Notes":"no","Output":"ok","ServiceID":"web-1","ServiceName":"web","ServiceTags":["a"],"Type":"ttl","ExposedPort":9,"Definition":{"Interval":"1s"},"CreateIndex":6,"ModifyIndex":7}]}`
	instance := watch.Instance{
		Node: watch.NodeInfo{ID: "i", Name: "n", Address: "10.0.0.1", Datacenter: "dc1", TaggedAddresses: map[string]string{"lan": "10.0.0.1"}, Meta: map[string]string{"a": "b"}},
		Service: watch.ServiceInfo{
			ID: "web-1", Name: "web", Tags: []string{"b", "a"}, Meta: map[string]string{"m": "1"},
			TaggedAddresses: map[string]watch.ServiceAddress{"lan": {Address: "1.2.3.4", Port: 5}},
			Port:            80, Weights: watch.Weights{Passing: 3, Warning: 2}, EnableTagOverride: true, Kind: "connect-proxy",
			Peer: "pe", Namespace: "ns", Partition: "pa", CreateIndex: 4, ModifyIndex: 5,
		},
		Checks: []watch.Check{{
			Node: "n", ID: "c", Name: "C", Status: "passing", Notes: "no", Output: "ok", ServiceID: "web-1", ServiceName: "web",
			ServiceTags: []string{"a"}, Type: "ttl", ExposedPort: 9,
			Definition: &watch.CheckDefinition{Interval: time.Second}, CreateIndex: 6, ModifyIndex: 7,
		}},
	}
	pair := watch.Pair{Key: "a", Value: "v\x00", Flags: 3, Session: "s", CreateIndex: 1, ModifyIndex: 2, LockIndex: 4}
	wirePair := `[{"Key":"a","Value":"dgA=","Flags":3,"Session":"s","CreateIndex":1,"ModifyIndex":2,"LockIndex":4}]`
	for _, test := range []struct {
		query  watch.Query
		status int
		body   string
		want   any
	}{
		{watch.Services{}, 200, `{"web":["b","a"],"api":[]}`, []watch.ServiceTags{{Name: "api", Tags: []string{}}, {Name: "web", Tags: []string{"a", "b"}}}},
		{watch.Health{Service: "web"}, 200, "[" + entry + "]", []watch.Instance{instance}},
		{watch.Health{Service: "web"}, 200, "[]", []watch.Instance{}},
		{watch.Key{Path: "a"}, 200, wirePair, &pair},
		{watch.Key{Path: "a"}, 200, `[{"Key":"a","Value":null}]`, &watch.Pair{Key: "a"}},
		{watch.Key{Path: "a"}, 404, "", (*watch.Pair)(nil)},
		{watch.Prefix{Path: "a"}, 200, wirePair, []watch.Pair{pair}},
		{watch.Prefix{Path: "a"}, 404, "", []watch.Pair{}},
		{watch.Keys{Path: "a"}, 200, `["a","b/"]`, []string{"a", "b/"}},
		{watch.Keys{Path: "a"}, 404, "", []string{}},
		{watch.Nodes{}, 200, `[{"Node":"n","Address":"1.1.1.1"}]`, []watch.NodeInfo{{Name: "n", Address: "1.1.1.1"}}},
		{watch.Node{Name: "n"}, 200, `null`, (*watch.NodeServices)(nil)},
		{watch.Node{Name: "n"}, 200, `{"Node":{"Node":"n"},"Services":{"2":{"ID":"2","Service":"b"},"1":{"ID":"1","Service":"b"},"3":{"ID":"3","Service":"a"}}}`,
			&watch.NodeServices{Node: watch.NodeInfo{Name: "n"}, Services: []watch.ServiceInfo{{ID: "3", Name: "a"}, {ID: "1", Name: "b"}, {ID: "2", Name: "b"}}}},
		{watch.Datacenters{}, 200, `["b","a"]`, []string{"a", "b"}},
		{watch.Datacenters{Reachable: true}, 200, `[]`, []string{}},
		{watch.PreparedQuery{Name: "q"}, 200, `{"Service":"web","Nodes":[` + entry + `]}`, []watch.Instance{instance}},
	} {
		t.Run(test.query.String(), func(t *testing.T) {
			server := serve(t, test.status, test.body, map[string]string{"X-Consul-LastContact": "1500"})
			s := newSource(t, Config{Address: server.URL})
			reply, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, reply.Value); diff != "" {
				t.Error(diff)
			}
			switch test.query.(type) {
			case watch.Datacenters, watch.PreparedQuery:
				if reply.Index != 0 || reply.Poll <= 0 {
					t.Errorf("index %d, poll %s; want to be polled", reply.Index, reply.Poll)
				}
			default:
				if reply.Index != 7 || reply.LastContact != 1500*time.Millisecond {
					t.Errorf("index %d, last contact %s", reply.Index, reply.LastContact)
				}
			}
		})
	}
}

func TestFetch_BadAnswers(t *testing.T) {
	health := watch.Health{Service: "web"}
	for _, test := range []struct {
		name   string
		query  watch.Query
		status int
		header map[string]string
		body   string
		want   string // in the error
		is     error
		after  time.Duration
	}{
		{"refused", health, 403, nil, "Permission denied", `403 Forbidden: Permission denied; the token needs service:read on "web" and node:read`, watch.ErrDenied, 0},
		{"unknown token", health, 403, nil, "ACL not found", `403 Forbidden: ACL not found`, watch.ErrDenied, 0},
		{"key refused", watch.Key{Path: "a/b"}, 403, nil, "", `key:read on "a/b"`, watch.ErrDenied, 0},
		{"own node refused", watch.Node{}, 403, nil, "", "agent:read", watch.ErrDenied, 0},
		{"basic auth refused", health, 401, nil, "", "401 Unauthorized", watch.ErrDenied, 0},
		{"unknown prepared query", watch.PreparedQuery{Name: "q"}, 404, nil, "Query not found", "/v1/query/q/execute: 404 Not Found: Query not found", watch.ErrNotFound, 0},
		{"a name that is none", watch.Health{Service: "a\x00"}, 400, nil, "", "400 Bad Request", watch.ErrInvalid, 0},
		{"overload", health, 429, map[string]string{"Retry-After": "7"}, "slow down", "429 Too Many Requests", nil, 7 * time.Second},
		{"leaderless", health, 500, nil, "No cluster leader", "500 Internal Server Error: No cluster leader", nil, 0},
		{"a proxy's page", health, 503, map[string]string{"Content-Type": "text/html"}, "<html>...", "503 Service Unavailable: an HTML page, not Consul's answer", nil, 0},
		{"a page with status 200", health, 200, map[string]string{"Content-Type": "text/html"}, "<html>", "is not the JSON expected", nil, 0},
		{"not Consul's 404", watch.Key{Path: "a"}, 404, map[string]string{"X-Consul-Index": ""}, "", "lacks X-Consul-Index", nil, 0},
		{"cut-off JSON", health, 200, nil, `[{"Node":{"Node":"n"}`, "is not the JSON expected", nil, 0},
		{"trailing rubbish", health, 200, nil, `[] []`, "is not the JSON expected", nil, 0},
		{"wrong type", health, 200, nil, `{"a":1}`, "is not the JSON expected", nil, 0},
		{"null instead of instances", health, 200, nil, "null", "the answer is null", nil, 0},
		{"null instead of services", watch.Services{}, 200, nil, " null\n", "the answer is null", nil, 0},
		{"redirect", health, 302, map[string]string{"Location": "http://evil.example/"}, "", "302 Found: redirects are not followed", nil, 0},
		{"key without a name", watch.Key{Path: "/"}, 200, nil, ``, "a key needs a name", nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, test.status, test.body, test.header)
			s := newSource(t, Config{Address: server.URL, Token: planted})
			_, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%q is not %q", err, test.is)
			}
			if test.is == nil && (errors.Is(err, watch.ErrDenied) || errors.Is(err, watch.ErrNotFound) || errors.Is(err, watch.ErrInvalid)) {
				t.Errorf("%q is of a kind", err)
			}
			var hint interface{ RetryAfter() time.Duration }
			if errors.As(err, &hint); test.after > 0 && (hint == nil || hint.RetryAfter() != test.after) {
				t.Errorf("no hint to retry after %s", test.after)
			}
		})
	}
}

func TestFetch_CutOffBody(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Consul-Index", "7")
		w.Header().Set("Content-Length", "100")
		w.Write([]byte(`[]`))
	}))
	defer server.Close()
	s := newSource(t, Config{Address: server.URL})
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}})
	if err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("got %v", err)
	}
}

// An answer without end costs no more memory than there is for it, and is an error;
// so is one of many that are too much together. Others are read as ever.
func TestFetch_AnswersWithoutEnd(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Consul-Index", "7")
		switch {
		case strings.HasSuffix(r.URL.Path, "/endless"):
			for r.Context().Err() == nil {
				w.Write(bytes.Repeat([]byte(" "), 64<<10))
			}
		case strings.HasSuffix(r.URL.Path, "/refused"):
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				w.Write(bytes.Repeat([]byte("no leader "), 64<<10))
			}
		case strings.HasSuffix(r.URL.Path, "/held"):
			w.Write(bytes.Repeat([]byte(" "), 900<<10))
			w.(http.Flusher).Flush()
			held <- struct{}{}
			<-release
			w.Write([]byte("[]"))
		default:
			w.Write([]byte("[]"))
		}
	}))
	defer server.Close()
	s := newSource(t, Config{Address: server.URL})
	s.client.room.one, s.client.room.all = 1<<20, 1<<20+1<<19
	fetch := func(service string) error {
		_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Health{Service: service}})
		return err
	}
	expect := func(service, want string) {
		t.Helper()
		switch err := fetch(service); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: the error is %.300v", service, err)
		case err != nil && len(err.Error()) > 2000:
			t.Errorf("%s: an error of %d bytes", service, len(err.Error()))
		}
	}
	expect("endless", "more than 1048576 bytes")
	expect("refused", "no leader")
	expect("web", "")
	ended := make(chan error)
	go func() { ended <- fetch("held") }()
	<-held
	for s.client.room.used.Load() < 900<<10 {
		time.Sleep(time.Millisecond)
	}
	expect("endless", "all answers being read have more than 1572864 bytes")
	expect("web", "")
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("an answer that was being read is an error: %v", err)
	}
	if n := s.client.room.used.Load(); n != 0 {
		t.Errorf("%d bytes are not given back", n)
	}
}

func TestFetch_ReadableErrors(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	s := newSource(t, Config{Address: gone.URL})
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Health{Service: "web"}, Index: 4, Wait: time.Minute})
	if want := "GET " + gone.URL + "/v1/health/service/web: connection refused"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestFetch_AnswerThatNeverComesIsAnError(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	s := newSource(t, Config{Address: server.URL})
	s.client.grace = 20 * time.Millisecond
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}, Index: 1, Wait: 16 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "no answer within 37ms") {
		t.Errorf("got %v", err)
	}
	var silent interface{ Timeout() bool }
	if !errors.As(err, &silent) || !silent.Timeout() {
		t.Error("it is not a timeout")
	}
}

func TestFetch_EndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	defer server.Close()
	s := newSource(t, Config{Address: server.URL})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := s.Fetch(ctx, watch.Request{Query: watch.Nodes{}, Index: 1, Wait: time.Minute})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFetch_Filtered(t *testing.T) {
	for _, test := range []struct {
		name   string
		token  dial.Secret
		header map[string]string
		body   string
		want   bool
	}{
		{"plain", "", nil, `[]`, false},
		{"by word of Consul", planted, map[string]string{"X-Consul-Results-Filtered-By-ACLs": "true"}, `[]`, true},
		{"anonymous and empty where the default is deny", "", map[string]string{"X-Consul-Default-Acl-Policy": "deny"}, `[]`, true},
		{"anonymous and not empty", "", map[string]string{"X-Consul-Default-Acl-Policy": "deny"}, `[{"Node":"n"}]`, false},
		{"token and empty", planted, map[string]string{"X-Consul-Default-Acl-Policy": "deny"}, `[]`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := serve(t, 200, test.body, test.header)
			s := newSource(t, Config{Address: server.URL, Token: test.token})
			if _, r := fetch(t, s, watch.Nodes{}); r.Filtered != test.want {
				t.Errorf("filtered is %t", r.Filtered)
			}
		})
	}
}

func TestAnswers_NotFiles(t *testing.T) {
	s := newSource(t, Config{})
	if s.Answers(watch.File{Path: "x"}) {
		t.Error("answers files")
	}
	if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.File{Path: "x"}}); !errors.Is(err, watch.ErrUnanswerable) {
		t.Errorf("got %v", err)
	}
}

func TestNoSecretInErrorsOrLog(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	config := Config{Token: planted, Auth: Auth{"user", planted}, Logger: logger}
	for _, answer := range []struct {
		status int
		body   string
	}{{403, "no: " + planted}, {500, planted}, {200, planted}} {
		server := serve(t, answer.status, answer.body, nil)
		config.Address = server.URL
		s := newSource(t, config)
		_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{}})
		if err == nil {
			t.Fatal("no error")
		}
		logger.Debug("seen", "err", err, "config", config)
		if got := server.last(t).Header.Get("X-Consul-Token"); got != planted {
			t.Errorf("the token sent is %q", got)
		}
	}
	for _, address := range []string{"http://user:" + planted + "@h:1", "ftp://user:" + planted + "@h", "http://user:" + planted + "@h:x y",
		"http://h:1?token=" + planted, "h:1/?token=" + planted, "https://h:1/#" + planted, "unix:///run/consul.sock?token=" + planted,
		"ftp://h:1?token=" + planted, "http://h:1 ?token=" + planted, "http://user:" + planted + "?x@h:1", "?" + planted} {
		config.Address = address
		if _, err := New(config); err == nil {
			t.Errorf("%s is accepted", address)
		} else {
			logger.Debug("seen", "err", err)
		}
	}
	if strings.Contains(log.String(), planted) {
		t.Errorf("the token is in the log:\n%s", log.String())
	}
}

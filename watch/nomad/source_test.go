package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const planted = "11112222-planted-3333-token-44445555"

// fake answers as Nomad's HTTP API is documented to (developer.hashicorp.com,
// "Services", "Variables", "Blocking Queries"): JSON bodies, X-Nomad-Index, a
// request with a known index held until the index grows or its wait is over,
// 404 with an index for an absent variable, errors as plain text.
type fake struct {
	*httptest.Server

	mu       sync.Mutex
	index    uint64
	changed  chan struct{}
	answers  map[string]any // by path; nil is 404
	held     chan struct{}  // gets one for each request that is held
	requests []*http.Request
}

func newFake(t *testing.T, answers map[string]any) (*fake, *Source) {
	f := &fake{index: 7, changed: make(chan struct{}), answers: answers, held: make(chan struct{}, 16)}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	s, err := New(Config{Target: dial.Target{Address: f.URL}, Token: planted, Namespace: "prod", Username: "u", Password: "hush-hush"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.http.CloseIdleConnections)
	return f, s
}

func (f *fake) set(path string, answer any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers[path] = answer
	f.index++
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	index, changed := f.index, f.changed
	f.mu.Unlock()
	asked, _ := strconv.ParseUint(r.FormValue("index"), 10, 64)
	wait, _ := time.ParseDuration(r.FormValue("wait"))
	if asked >= index {
		f.held <- struct{}{}
		select {
		case <-changed:
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
	}
	f.mu.Lock()
	answer, known := f.answers[r.URL.Path]
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(f.index, 10))
	f.mu.Unlock()
	w.Header().Set("X-Nomad-LastContact", "30")
	switch status, refused := answer.(int); {
	case !known || answer == nil:
		http.Error(w, "variable not found", http.StatusNotFound)
	case refused:
		http.Error(w, "Permission denied for "+r.Header.Get("X-Nomad-Token")+" hush-hush", status)
	default:
		_ = json.NewEncoder(w).Encode(answer)
	}
}

type object = map[string]any

func TestFetch(t *testing.T) {
	f, s := newFake(t, map[string]any{
		"/v1/services": []object{{"Namespace": "prod", "Services": []object{
			{"ServiceName": "web", "Tags": []string{"b", "a"}}, {"ServiceName": "api", "Tags": []string{}}}}},
		"/v1/service/web": []object{{"ID": "_nomad-task-1", "ServiceName": "web", "Namespace": "prod", "NodeID": "n1",
			"Datacenter": "dc1", "JobID": "job", "AllocID": "alloc", "Tags": []string{"x"}, "Address": "10.0.0.1", "Port": 80, "CreateIndex": 3}},
		"/v1/vars": []object{{"Namespace": "prod", "Path": "app/a", "CreateIndex": 1, "ModifyIndex": 2, "CreateTime": 3, "ModifyTime": 4}},
		"/v1/var/app/a": object{"Namespace": "prod", "Path": "app/a", "CreateIndex": 1, "ModifyIndex": 2, "CreateTime": 3, "ModifyTime": 4,
			"Items": object{"k": "v"}},
	})
	web := []watch.NomadInstance{{ID: "_nomad-task-1", Name: "web", Node: "n1", Address: "10.0.0.1", Port: 80, Datacenter: "dc1",
		Tags: []string{"x"}, JobID: "job", AllocID: "alloc"}}
	about := watch.NomadVariableInfo{Namespace: "prod", Path: "app/a", CreateIndex: 1, ModifyIndex: 2, CreateTime: 3, ModifyTime: 4}
	for _, test := range []struct {
		query watch.Query
		want  any
		uri   string
	}{
		{watch.NomadServices{}, []watch.ServiceTags{{Name: "api", Tags: []string{}}, {Name: "web", Tags: []string{"b", "a"}}},
			"/v1/services?namespace=prod&stale="},
		{watch.NomadService{Name: "web", Region: "eu"}, web, "/v1/service/web?namespace=prod&region=eu&stale="},
		{watch.NomadService{Name: "web", Count: 2, Key: "k"}, web, "/v1/service/web?choose=2%7Ck&namespace=prod&stale="},
		{watch.NomadVariables{Prefix: "app"}, []watch.NomadVariableInfo{about}, "/v1/vars?namespace=prod&prefix=app&stale="},
		{watch.NomadVariable{Path: "/app/a", Namespace: "dev"}, &watch.NomadVariableItems{NomadVariableInfo: about, Items: map[string]string{"k": "v"}},
			"/v1/var/app/a?namespace=dev&stale="},
		{watch.NomadVariable{Path: "none"}, (*watch.NomadVariableItems)(nil), "/v1/var/none?namespace=prod&stale="},
	} {
		if !s.Answers(test.query) {
			t.Errorf("%s: not answered", test.query)
		}
		reply, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if diff := cmp.Diff(test.want, reply.Value); diff != "" || reply.Index != 7 || reply.LastContact != 30*time.Millisecond {
			t.Errorf("%s: index %d, contact %v, -want +got:\n%s", test.query, reply.Index, reply.LastContact, diff)
		}
		last := f.requests[len(f.requests)-1]
		if last.RequestURI != test.uri {
			t.Errorf("got  %s\nwant %s", last.RequestURI, test.uri)
		}
		user, password, _ := last.BasicAuth()
		if last.Header.Get("X-Nomad-Token") != planted || user != "u" || password != "hush-hush" {
			t.Errorf("%s: the credentials are not sent", test.query)
		}
	}
	if s.Answers(watch.Key{}) {
		t.Error("Nomad answers for Consul")
	}
}

// A request with an index is held until a variable appears.
func TestFetch_Blocks(t *testing.T) {
	f, s := newFake(t, map[string]any{})
	q := watch.NomadVariable{Path: "late"}
	got := make(chan watch.Reply, 1)
	go func() {
		reply, err := s.Fetch(t.Context(), watch.Request{Query: q, Index: 7, Wait: time.Minute, Consistent: true})
		if err != nil {
			t.Error(err)
		}
		got <- reply
	}()
	<-f.held
	f.set("/v1/var/late", object{"Path": "late", "Items": object{"k": "v"}})
	reply := <-got
	if v, _ := reply.Value.(*watch.NomadVariableItems); v == nil || v.Items["k"] != "v" || reply.Index != 8 {
		t.Errorf("got %+v", reply)
	}
	if uri := f.requests[0].RequestURI; uri != "/v1/var/late?index=7&namespace=prod&wait=60000ms" {
		t.Errorf("asked for %s", uri)
	}
}

func TestFetch_EndsWithItsContext(t *testing.T) {
	f, s := newFake(t, map[string]any{})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := s.Fetch(ctx, watch.Request{Query: watch.NomadServices{}, Index: 7, Wait: time.Minute})
		ended <- err
	}()
	<-f.held
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestFetch_Errors(t *testing.T) {
	f, s := newFake(t, map[string]any{"/v1/services": 403, "/v1/vars": 500})
	_ = f
	for _, test := range []struct {
		query  watch.Query
		denied bool
		want   []string
	}{
		{watch.NomadServices{}, true, []string{"nomad services", "403", "read-job"}},
		{watch.NomadVariables{Prefix: "p"}, false, []string{"nomad variables p", "500"}},
		{watch.NomadService{Name: "x"}, false, []string{"nomad service x", "404"}},
	} {
		_, err := s.Fetch(t.Context(), watch.Request{Query: test.query})
		if err == nil || errors.Is(err, watch.ErrDenied) != test.denied {
			t.Errorf("%s: got %v", test.query, err)
			continue
		}
		for _, word := range test.want {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q is not in: %v", word, err)
			}
		}
		if strings.Contains(err.Error(), planted) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("a secret is in: %v", err)
		}
	}
}

func TestFetch_NobodyListens(t *testing.T) {
	f, s := newFake(t, nil)
	f.Close()
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.NomadServices{}})
	if err == nil || errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), "nomad services at "+f.URL) {
		t.Errorf("got %v", err)
	}
}

// Whatever lies between us and Nomad may drop its headers; then it is polled.
func TestFetch_WithoutIndex(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "[]") }))
	defer server.Close()
	s, err := New(Config{Target: dial.Target{Address: server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.http.CloseIdleConnections()
	reply, err := s.Fetch(t.Context(), watch.Request{Query: watch.NomadServices{}})
	if err != nil || reply.Index != 0 || reply.Poll != pollEvery {
		t.Errorf("got %+v, %v", reply, err)
	}
}

func TestRegionOfItsOwnOrOfTheQuery(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("region"))
		fmt.Fprint(w, "[]")
	}))
	defer server.Close()
	s, err := New(Config{Target: dial.Target{Address: server.URL}, Region: "eu"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.http.CloseIdleConnections()
	for _, q := range []watch.Query{watch.NomadServices{}, watch.NomadServices{Region: "us"}, watch.NomadVariables{}} {
		if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"eu", "us", "eu"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

func TestConfig(t *testing.T) {
	env := map[string]string{"NOMAD_ADDR": "http://env:1", "NOMAD_NAMESPACE": "env", "NOMAD_TOKEN": "token", "NOMAD_REGION": "eu", "NOMAD_HTTP_AUTH": "u:p:q"}
	base := ConfigFromEnv(func(name string) string { return env[name] })
	got := Config{Namespace: "own"}.Over(base)
	if got.Target.Address != "http://env:1" || got.Namespace != "own" || got.Token != "token" || got.Region != "eu" || got.Username != "u" || got.Password != "p:q" {
		t.Errorf("got %+v", got)
	}
	if got := (Config{Username: "own"}).Over(base); got.Username != "own" || got.Password != "" {
		t.Errorf("another user's password is taken: %+v", got)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, `"token"`) || strings.Contains(text, "Token:token") {
		t.Errorf("the token shows in %s", text)
	}
	for _, address := range []string{"ftp://x", "unix://", "http://u:p@h", "http://%"} {
		if _, err := New(Config{Target: dial.Target{Address: address}}); err == nil {
			t.Errorf("%s is accepted", address)
		}
	}
}

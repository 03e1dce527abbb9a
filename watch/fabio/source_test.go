package fabio

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/watch"
)

func TestFabioSource(t *testing.T) {
	status, text := http.StatusOK, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/routes?dc=1" {
			t.Errorf("asked for %s", r.RequestURI)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	defer server.Close()
	s := New(Options{URL: server.URL + "/routes?dc=1", Timeout: time.Minute, Poll: 7 * time.Second})
	query := watch.Prefix{Path: RoutesKey}
	if !s.Answers(query) || !s.Answers(watch.Services{}) || s.Answers(watch.Prefix{Path: "fabio/config"}) || s.Answers(watch.Health{Service: "web"}) {
		t.Error("answers other questions than its own")
	}

	text = `[{"cmd": "route add", "service": "web", "src": "a/", "dst": "http://b:1/", "weight": 0.25, "tags": ["x", "y"], "opts": {"strip": "/p", "host": "dst"}},
		{"cmd": "route del", "service": "web", "src": "a/x"},
		{"service": "two\nroute del lines", "src": "a/", "dst": "http://b:1/"}]`
	reply, err := s.Fetch(t.Context(), watch.Request{Query: query})
	if err != nil {
		t.Fatal(err)
	}
	want := []watch.Pair{{Key: RoutesKey, Value: `route add web a/ http://b:1/ weight 0.25 tags "x,y" opts "host=dst strip=/p"
route del web a/x
route add two route del lines a/ http://b:1/
`}}
	if diff := cmp.Diff(want, reply.Value); diff != "" || reply.Poll != 7*time.Second {
		t.Errorf("polled every %v, -want +got:\n%s", reply.Poll, diff)
	}

	for _, text = range []string{"", "{}", `[{"weight": "much"}]`} {
		if _, err := s.Fetch(t.Context(), watch.Request{Query: query}); err == nil {
			t.Errorf("%q is taken for routes", text)
		}
	}
	status, text = http.StatusInternalServerError, "[]"
	if _, err := s.Fetch(t.Context(), watch.Request{Query: query}); err == nil || !strings.Contains(err.Error(), "500") {
		t.Errorf("the error is %v", err)
	}
}

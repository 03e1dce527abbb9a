package consul

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestReal_EachQuery(t *testing.T) {
	consul := parts.StartConsul(t)
	consul.Register(`{"Name":"web","ID":"web-1","Port":80,"Tags":["b","a"],"Meta":{"k":"v"},"Check":{"TTL":"1h","Status":"passing"}}`)
	consul.Register(`{"Name":"web","ID":"web-2","Port":81,"Tags":["c"],"Check":{"TTL":"1h","Status":"critical"}}`)
	consul.Register(`{"Name":"web-proxy","ID":"p","Port":90,"Kind":"connect-proxy","Proxy":{"DestinationServiceName":"web"}}`)
	consul.PutKey("app/one", "1")
	consul.PutKey("app/dir/two", "2")
	consul.PutKey("apple/core", "3")
	consul.PutKey("odd%20key+%C3%BC", "4")
	consul.Do("POST", "/v1/query", `{"Name":"pq","Service":{"Service":"web","OnlyPassing":true}}`)
	s := newSource(t, web(consul))

	services, _ := fetch(t, s, watch.Services{})
	want := []watch.ServiceTags{{Name: "consul", Tags: []string{}}, {Name: "web", Tags: []string{"a", "b", "c"}}, {Name: "web-proxy", Tags: []string{}}}
	if diff := cmp.Diff(want, services); diff != "" {
		t.Error(diff)
	}
	ports := func(list []watch.Instance) (ports []int) {
		for _, i := range list {
			ports = append(ports, i.Service.Port)
		}
		slices.Sort(ports)
		return ports
	}
	for _, test := range []struct {
		query watch.For[[]watch.Instance]
		want  []int
	}{
		{watch.Health{Service: "web"}, []int{80, 81}},
		{watch.Health{Service: "web", PassingOnly: true}, []int{80}},
		{watch.Health{Service: "web", Tag: "c"}, []int{81}},
		{watch.Health{Service: "web", Filter: `Service.Meta["k"] == "v"`}, []int{80}},
		{watch.Health{Service: "web", Near: "_agent"}, []int{80, 81}},
		{watch.Health{Service: "web", Connect: true}, []int{90}},
		{watch.Health{Service: "none"}, nil},
		{watch.PreparedQuery{Name: "pq"}, []int{80}},
	} {
		got, _ := fetch(t, s, test.query)
		if !slices.Equal(ports(got), test.want) {
			t.Errorf("%s: %v, want %v", test.query, ports(got), test.want)
		}
	}
	if got, _ := fetch(t, s, watch.Health{Service: "web", PassingOnly: true}); got[0].Address() != consul.IP || got[0].Status() != watch.Passing || len(got[0].Checks) != 2 {
		t.Errorf("got %+v", got)
	}
	// Services may have names that there is no asking for.
	for _, q := range []watch.Health{{Service: "un\nprintable"}, {Service: "."}, {Service: ".."}} {
		if _, err := s.Fetch(t.Context(), watch.Request{Query: q}); !errors.Is(err, watch.ErrInvalid) {
			t.Errorf("%s: %v", q, err)
		}
	}
	if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.PreparedQuery{Name: "none"}}); !errors.Is(err, watch.ErrNotFound) {
		t.Errorf("unknown prepared query: %v", err)
	}
	for path, want := range map[string]string{"app/one": "1", "/app/one": "1", "odd key+ü": "4"} {
		if pair, _ := fetch(t, s, watch.Key{Path: path}); pair == nil || pair.Value != want {
			t.Errorf("key %s: %+v", path, pair)
		}
	}
	if pair, r := fetch(t, s, watch.Key{Path: "none"}); pair != nil || r.Index == 0 {
		t.Errorf("absent key: %+v, index %d", pair, r.Index)
	}
	var keys []string
	pairs, _ := fetch(t, s, watch.Prefix{Path: "app"})
	for _, p := range pairs {
		keys = append(keys, p.Key+"="+p.Value)
	}
	if diff := cmp.Diff([]string{"app/dir/two=2", "app/one=1", "apple/core=3"}, keys); diff != "" {
		t.Error(diff)
	}
	names, _ := fetch(t, s, watch.Keys{Path: "app/", Separator: "/"})
	if diff := cmp.Diff([]string{"app/dir/", "app/one"}, names); diff != "" {
		t.Error(diff)
	}
	if nodes, _ := fetch(t, s, watch.Nodes{}); len(nodes) != 1 || nodes[0].Name != "test" || nodes[0].Address != consul.IP {
		t.Errorf("nodes: %+v", nodes)
	}
	own, _ := fetch(t, s, watch.Node{})
	named, _ := fetch(t, s, watch.Node{Name: "test"})
	if diff := cmp.Diff(own, named); diff != "" || len(own.Services) != 4 {
		t.Errorf("own node: %s %+v", diff, own)
	}
	if unknown, _ := fetch(t, s, watch.Node{Name: "none"}); unknown != nil {
		t.Errorf("unknown node: %+v", unknown)
	}
	for _, q := range []watch.Datacenters{{}, {Reachable: true}} {
		if dcs, _ := fetch(t, s, q); !slices.Equal(dcs, []string{"dc1"}) {
			t.Errorf("datacenters: %v", dcs)
		}
	}
	_, err := s.Fetch(t.Context(), watch.Request{Query: watch.Nodes{Scope: watch.Scope{Datacenter: "mars"}}})
	if err == nil || !strings.Contains(err.Error(), "No path to datacenter") {
		t.Errorf("unknown datacenter: %v", err)
	}
}

func TestReal_BlockingWakes(t *testing.T) {
	consul := parts.StartConsul(t)
	s := newSource(t, web(consul))
	_, r := fetch(t, s, watch.Key{Path: "k"})
	woke := make(chan *watch.Pair)
	go func() {
		pair, _ := fetchAt(t, s, watch.Key{Path: "k"}, r.Index)
		woke <- pair
	}()
	consul.PutKey("k", "v")
	if pair := <-woke; pair == nil || pair.Value != "v" {
		t.Errorf("got %+v", pair)
	}
	_, r = fetch(t, s, watch.Key{Path: "k"})
	start := time.Now()
	again, err := s.Fetch(t.Context(), watch.Request{Query: watch.Key{Path: "k"}, Index: r.Index, Wait: 100 * time.Millisecond})
	if err != nil || again.Index != r.Index || time.Since(start) < 100*time.Millisecond {
		t.Errorf("a wait without change: %+v, %v, after %s", again, err, time.Since(start))
	}
}

// Consul need not raise the index of an emptied prefix; asking without one
// tells.
func TestReal_RecursiveDelete(t *testing.T) {
	consul := parts.StartConsul(t)
	consul.PutKey("redis/config/a", "1")
	s := newSource(t, web(consul))
	q := watch.Prefix{Path: "redis/config/"}
	_, r := fetch(t, s, q)
	consul.Do("DELETE", "/v1/kv/redis?recurse", "")
	after, err := s.Fetch(t.Context(), watch.Request{Query: q, Index: r.Index, Wait: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if pairs := after.Value.([]watch.Pair); len(pairs) != 0 {
		t.Errorf("got %v", pairs)
	}
}

func TestReal_RestartedEmptyHasALowerIndex(t *testing.T) {
	consul := parts.StartConsul(t)
	for i := range 20 {
		consul.PutKey(fmt.Sprint("k", i), "v")
	}
	s := newSource(t, web(consul))
	_, before := fetch(t, s, watch.Prefix{})
	consul.Kill()
	if _, err := s.Fetch(t.Context(), watch.Request{Query: watch.Prefix{}}); err == nil {
		t.Error("an answer from a dead agent")
	}
	consul.Start()
	pairs, after := fetch(t, s, watch.Prefix{})
	if len(pairs) != 0 || after.Index >= before.Index {
		t.Errorf("%d pairs, index %d after %d", len(pairs), after.Index, before.Index)
	}
}

const root = "00000000-aaaa-bbbb-cccc-000000000001"

// The default token lets the agent be seen to be ready; the test takes it away.
const denyAll = `{"acl":{"enabled":true,"default_policy":"deny","tokens":{"initial_management":"` + root + `","agent":"` + root + `","default":"` + root + `"}}}`

func TestReal_ACL(t *testing.T) {
	consul := parts.StartConsul(t, denyAll)
	consul.Do("PUT", "/v1/agent/token/default?token="+root, `{"Token":""}`)
	as := func(token dial.Secret) *Source { return newSource(t, Config{Address: consul.Addr, Token: token}) }
	manager := as(root)
	eventually(t, "the node is registered", func() bool {
		nodes, _ := fetch(t, manager, watch.Nodes{})
		return len(nodes) == 1
	})
	put := func(path, body string) string {
		t.Helper()
		return consul.Do("PUT", path+"?token="+root, body)
	}
	put("/v1/agent/service/register", `{"Name":"web","Port":80}`)
	put("/v1/kv/app/a", "1")

	anonymous, stranger := as(""), as(planted)
	health := watch.Health{Service: "web"}
	if got, r := fetch(t, anonymous, health); len(got) != 0 || !r.Filtered {
		t.Errorf("anonymous: %v, filtered %t", got, r.Filtered)
	}
	for _, q := range []watch.Query{watch.Key{Path: "app/a"}, watch.Node{}} {
		_, err := anonymous.Fetch(t.Context(), watch.Request{Query: q})
		if !errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), "the token needs") {
			t.Errorf("%s: %v", q, err)
		}
	}
	_, err := stranger.Fetch(t.Context(), watch.Request{Query: health})
	if !errors.Is(err, watch.ErrDenied) || !strings.Contains(err.Error(), "ACL not found") || strings.Contains(err.Error(), planted) {
		t.Errorf("unknown token: %v", err)
	}

	put("/v1/acl/policy", `{"Name":"other","Rules":"service \"other\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }"}`)
	const limited = "00000000-aaaa-bbbb-cccc-000000000002"
	put("/v1/acl/token", `{"SecretID":"`+limited+`","Policies":[{"Name":"other"}]}`)
	if got, r := fetch(t, as(limited), health); len(got) != 0 || !r.Filtered {
		t.Errorf("limited: %v, filtered %t", got, r.Filtered)
	}
	if got, r := fetch(t, manager, health); len(got) != 1 || r.Filtered {
		t.Errorf("manager: %v, filtered %t", got, r.Filtered)
	}

	// Who may read without a token must be believed that there is nothing.
	put("/v1/acl/policy", `{"Name":"reader","Rules":"service_prefix \"\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" } key_prefix \"\" { policy = \"read\" }"}`)
	put("/v1/acl/token/00000000-0000-0000-0000-000000000002", `{"Policies":[{"Name":"reader"}]}`)
	eventually(t, "the anonymous token may read", func() bool {
		got, _ := fetch(t, anonymous, health)
		return len(got) == 1
	})
	if got, r := fetch(t, anonymous, watch.Health{Service: "none"}); len(got) != 0 || r.Filtered {
		t.Errorf("no such service: %v, filtered %t", got, r.Filtered)
	}
	if got, r := fetch(t, anonymous, watch.Prefix{Path: "none/"}); len(got) != 0 || r.Filtered {
		t.Errorf("no such prefix: %v, filtered %t", got, r.Filtered)
	}
}

func TestReal_HTTPSMultiplexes(t *testing.T) {
	ip := parts.Loopback(t)
	p := newPKI(t, ip)
	consul := parts.StartConsul(t, fmt.Sprintf(`{"ports":{"https":8501},"tls":{"https":{"ca_file":%q,"cert_file":%q,"key_file":%q,"verify_incoming":true}}}`, p.ca, p.cert, p.key))
	s := newSource(t, Config{
		Address:        "https://" + consul.IP + ":8501",
		MaxConnections: 1,
		SSL:            SSL{CACert: p.ca, Cert: p.both, ServerName: "consul.test"},
	})
	if s.Streams() != 1 {
		t.Errorf("%d streams before any answer", s.Streams())
	}
	_, r := fetch(t, s, watch.Key{Path: "k"})
	if s.Streams() < 2 {
		t.Fatalf("%d streams: Consul did not speak HTTP/2", s.Streams())
	}
	// More requests than connections, all open at once: a write can only be seen
	// by all of them if they share the connection.
	n := s.Streams()
	done := make(chan error, n)
	for range n {
		go func() {
			got, err := s.Fetch(t.Context(), watch.Request{Query: watch.Key{Path: "k"}, Index: r.Index, Wait: time.Minute})
			if err == nil && got.Value.(*watch.Pair) == nil {
				err = errors.New("woken without a value")
			}
			done <- err
		}()
	}
	consul.PutKey("k", "v")
	for range n {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

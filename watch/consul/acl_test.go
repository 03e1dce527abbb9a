package consul

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// closedCluster is a Consul that denies by default, with a service and a key.
type closedCluster struct {
	t *testing.T
	*parts.Consul
}

func startClosedCluster(t *testing.T) closedCluster {
	t.Helper()
	c := closedCluster{t, parts.StartConsul(t, denyAll)}
	c.Do("PUT", "/v1/agent/token/default?token="+root, `{"Token":""}`)
	manager := newSource(t, Config{Address: c.Addr, Token: root})
	eventually(t, "the node is registered", func() bool {
		nodes, _ := fetch(t, manager, watch.Nodes{})
		return len(nodes) == 1
	})
	c.put("/v1/agent/service/register", `{"Name":"web","Port":80}`)
	c.put("/v1/kv/app/a", "1")
	c.put("/v1/acl/policy", `{"Name":"reader","Rules":"service_prefix \"\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" } key_prefix \"\" { policy = \"read\" }"}`)
	return c
}

func (c closedCluster) put(path, body string) {
	c.t.Helper()
	c.Do("PUT", path+"?token="+root, body)
}

// token makes a token with the policies, which are a JSON list of links.
func (c closedCluster) token(id dial.Secret, policies string) {
	c.t.Helper()
	c.put("/v1/acl/token", `{"AccessorID":"`+accessor(id)+`","SecretID":"`+id.Reveal()+`","Policies":`+policies+`}`)
}

// accessor is the name of a token that is not secret.
func accessor(id dial.Secret) string { return strings.Replace(id.Reveal(), "aaaa", "bbbb", 1) }

const (
	powerless dial.Secret = "00000000-aaaa-bbbb-cccc-000000000003"
	reader    dial.Secret = "00000000-aaaa-bbbb-cccc-000000000004"

	readerPolicy = `[{"Name":"reader"}]`
)

var closedQueries = map[watch.Query]string{
	watch.Services{}:             "service:read",
	watch.Health{Service: "web"}: `service:read on "web"`,
	watch.Nodes{}:                "node:read",
	watch.Prefix{Path: "app/"}:   `key:read`,
	watch.Key{Path: "app/a"}:     `key:read on "app/a"`,
}

// watching runs a watcher that wants the closed queries until the test ends.
func watching(t *testing.T, s *Source, o watch.Options) *watch.Watcher {
	t.Helper()
	o.Logger = quiet
	w := watch.New(o, s)
	wants := w.Register("test")
	var queries []watch.Query
	for q := range closedQueries {
		queries = append(queries, q)
	}
	wants.Set(queries...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// each reports whether all entries are as ok says.
func each(w *watch.Watcher, ok func(watch.Query, watch.Entry) bool) bool {
	n, good := 0, true
	w.Snapshot().All(func(q watch.Query, e watch.Entry) bool {
		n++
		good = good && ok(q, e)
		return good
	})
	return good && n == len(closedQueries)
}

func failing(_ watch.Query, e watch.Entry) bool { return e.Err != nil }
func fresh(_ watch.Query, e watch.Entry) bool   { return e.Known && e.Err == nil }

// A cluster that shows nothing must not look like one that has nothing.
func TestReal_DeniedByDefaultIsUnknown(t *testing.T) {
	c := startClosedCluster(t)
	c.token(powerless, `[]`)
	o := watch.DefaultOptions()
	o.Backoff.Max = 200 * time.Millisecond
	for _, token := range []dial.Secret{"", powerless} {
		w := watching(t, newSource(t, Config{Address: c.Addr, Token: token}), o)
		eventually(t, "every query was asked", func() bool { return each(w, failing) })
		w.Snapshot().All(func(q watch.Query, e watch.Entry) bool {
			if e.Known || !errors.Is(e.Err, watch.ErrDenied) || !strings.Contains(e.Err.Error(), "the token needs "+closedQueries[q]) {
				t.Errorf("token %t: %s: known %t, %v", token != "", q, e.Known, e.Err)
			}
			return true
		})
		if token == powerless {
			c.put("/v1/acl/token/"+accessor(token), `{"Policies":`+readerPolicy+`}`)
			eventually(t, "the rights given later are used", func() bool { return each(w, fresh) })
		}
	}
}

// Whoever repairs a token file sees what was refused, hidden or shown in part
// within seconds, however long the rest after a refusal is.
func TestReal_RepairedTokenFileIsUsedAtOnce(t *testing.T) {
	c := startClosedCluster(t)
	c.put("/v1/agent/service/register", `{"Name":"api","Port":81}`)
	c.put("/v1/acl/policy", `{"Name":"half","Rules":"service \"api\" { policy = \"read\" } node_prefix \"\" { policy = \"read\" }"}`)
	c.token(powerless, `[{"Name":"half"}]`)
	c.token(reader, readerPolicy)
	file := filepath.Join(t.TempDir(), "token")
	write := func(token dial.Secret) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(powerless)
	s := newSource(t, Config{Address: c.Addr, TokenFile: file})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	o := watch.DefaultOptions()
	o.Wait, o.Backoff.Max = 10*time.Minute, 10*time.Minute // beyond the patience of this test
	w := watching(t, s, o)
	eventually(t, "some is refused, some shown in part", func() bool {
		services, known := watch.Get(w.Snapshot(), watch.Services{})
		e, _ := w.Snapshot().Entry(watch.Health{Service: "web"})
		k, _ := w.Snapshot().Entry(watch.Key{Path: "app/a"})
		p, _ := w.Snapshot().Entry(watch.Prefix{Path: "app/"})
		return known && len(services) == 1 && e.Err != nil && k.Err != nil && p.Err != nil
	})
	write(reader)
	eventually(t, "all is shown", func() bool {
		services, _ := watch.Get(w.Snapshot(), watch.Services{})
		return each(w, fresh) && len(services) == 3
	})
}

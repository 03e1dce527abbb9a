package watch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Other credentials may show what was refused, hidden or shown in part; nothing
// else would tell, as Consul does not end requests for that.
func TestRenewedCredentialsAreUsedAtOnce(t *testing.T) {
	refused, hidden, part := watch.Health{Service: "refused"}, watch.Health{Service: "hidden"}, watch.Health{Service: "part"}
	queries := []watch.Query{refused, hidden, part}
	for _, test := range []struct {
		name string
		more []watch.Query
	}{{"blocking", nil}, {"crowd", services(100)}} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) {
				b.options.MaxConnections = 8
				b.source.Deny(refused)
				b.source.SetFiltered(hidden, nil)
				b.source.SetFiltered(part, instances("one"))
				b.watch(append(queries, test.more...)...)
				time.Sleep(5 * time.Minute)
				for _, q := range queries {
					b.source.SetSilentlyFiltered(q, instances("one", "two"), false)
				}
				before := b.source.Total()
				b.source.Renew()
				time.Sleep(time.Second)
				synctest.Wait()
				for _, q := range queries {
					e := b.entry(q)
					if got, _ := e.Value.([]watch.Instance); len(got) != 2 || e.Err != nil {
						t.Errorf("%s: the entry is %+v, want both instances", q, e)
					}
					if b.status(q).Filtered {
						t.Errorf("%s is still said to be filtered", q)
					}
				}
				// The others are polled, or held again: no more than that.
				if got := b.source.Total() - before; got > 2*len(queries)+20 {
					t.Errorf("%d requests in that second", got)
				}
				before = b.source.Total()
				b.source.Renew()
				synctest.Wait()
				if got := b.source.Total() - before; got != 0 {
					t.Errorf("%d requests although nothing was refused or filtered", got)
				}
			})
		})
	}
}

func TestRenewedCredentialsThatShowNoMoreAreNotAskedInALoop(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		hidden := watch.Health{Service: "hidden"}
		b.source.SetFiltered(hidden, nil)
		b.source.Deny(motd)
		b.watch(hidden, motd)
		before := b.source.Total()
		b.source.Renew()
		time.Sleep(10 * time.Second)
		if got := b.source.Total() - before; got != 2 {
			t.Errorf("%d requests after the renewal, want one for each", got)
		}
		if b.entry(hidden).Known || b.entry(motd).Known {
			t.Error("a refusal was taken for an answer")
		}
	})
}

// A polled query does not wait for its turn.
func TestRenewedCredentialsArePolledWith(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		query := watch.PreparedQuery{Name: "nearest"}
		b.source.SetPolled(query, instances("one"), time.Hour)
		b.source.SetSilentlyFiltered(query, instances("one"), true)
		b.watch(query)
		b.source.SetSilentlyFiltered(query, instances("one", "two"), false)
		b.source.Renew()
		time.Sleep(time.Second)
		if got, _ := watch.Get(b.watcher.Snapshot(), query); len(got) != 2 {
			t.Errorf("%d instances, want 2", len(got))
		}
	})
}

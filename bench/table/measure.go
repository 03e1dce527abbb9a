package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/match"
	"github.com/sluiceproxy/sluice/lb/target"
)

// result is what was measured with one number of routes.
type result struct {
	routes int
	build  time.Duration
	// health and retag are the changes of one service.
	health, retag spread
	// Bytes of each route, in tables and all in all.
	index, route, total float64
	lookups             []lookup // as sorts
}

// spread tells of several times.
type spread struct{ median, worst time.Duration }

// lookup is the cost of finding routes of one sort.
type lookup struct {
	same   float64 // ns, of one route again and again
	few    float64 // ns, of a few routes by turns, so that all is in the processor's caches
	random float64 // ns, of routes at random
	allocs float64
}

func measure(n, changes int) (r result, err error) {
	// The figures are processor time of this thread: other programs do not count.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	c := newCatalog(n)
	r.routes = n

	before := heap()
	builder := lb.NewBuilder(options(), target.NewRegistry(nil))
	var table *lb.Table
	r.build = timed(func() {
		table = builder.Build(c.snapshot)
		builder.Wants(c.snapshot) // once, of all services
	})
	r.total = float64(heap()-before) / float64(n)
	if problems := table.Problems(); len(problems) > 0 || len(table.Routes()) != n {
		return r, fmt.Errorf("%d routes, problems %v", len(table.Routes()), problems)
	}
	r.index, r.route = indexSize(table), float64(unsafe.Sizeof(lb.Route{})+unsafe.Sizeof(&lb.Route{}))
	for i := range sorts {
		l, err := measureLookup(table, i)
		if err != nil {
			return r, err
		}
		r.lookups = append(r.lookups, l)
	}
	r.health = measureChanges(builder, c, changes, func(k int) { c.fail(k%n/2, k%2 == 0) })
	r.retag = measureChanges(builder, c, changes, func(k int) { c.retag(k%n, k) })
	return r, nil
}

func measureChanges(builder *lb.Builder, c *catalog, changes int, change func(k int)) spread {
	var times []time.Duration
	for k := range changes {
		change(k)
		times = append(times, timed(func() {
			builder.Wants(c.snapshot)
			builder.Build(c.snapshot)
		}))
	}
	slices.Sort(times)
	return spread{times[len(times)/2], times[len(times)-1]}
}

// indexSize is the size of a table's index for each route, found by making
// another one.
func indexSize(t *lb.Table) float64 {
	rules := make([]*match.Route, 0, len(t.Routes()))
	for _, r := range t.Routes() {
		rules = append(rules, &match.Route{Expr: r.Match, Precedence: &r.Precedence, Value: r})
	}
	before := heap()
	index := match.NewIndex(rules)
	after := heap()
	runtime.KeepAlive(index)
	runtime.KeepAlive(rules)
	return float64(after-before) / float64(len(rules))
}

// measureLookup finds routes of one sort.
func measureLookup(t *lb.Table, sort int) (l lookup, err error) {
	const few, most = 16, 4096
	n := len(t.Routes())
	requests := make([]match.Request, min(most, n))
	random := rand.New(rand.NewPCG(1, 2))
	for k := range requests {
		i := random.IntN(n/len(sorts))*len(sorts) + sort
		requests[k] = sorts[sort].request(i)
		if route, ok := t.Lookup(&requests[k]); !ok || route.Service != nameOf(i) {
			return l, fmt.Errorf("%s %s is not served by %s", requests[k].Host, requests[k].Path, nameOf(i))
		}
	}
	l.same = fastest(t, requests[:1])
	l.few = fastest(t, requests[:min(few, n)])
	l.random = fastest(t, requests)
	l.allocs = testing.AllocsPerRun(100, func() { t.Lookup(&requests[0]) })
	return l, nil
}

// fastest is the time of a look-up in the best of some rounds: the others were
// disturbed.
func fastest(t *lb.Table, requests []match.Request) float64 {
	const rounds, lookups = 9, 1 << 15
	best := time.Duration(1 << 62)
	for range rounds {
		best = min(best, timed(func() {
			for k, i := 0, 0; k < lookups; k++ {
				t.Lookup(&requests[i])
				if i++; i == len(requests) {
					i = 0
				}
			}
		}))
	}
	return float64(best.Nanoseconds()) / lookups
}

// timed is the processor time a function takes.
func timed(f func()) time.Duration {
	before := threadTime()
	f()
	return threadTime() - before
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err) // the clock is there on every Linux
	}
	return time.Duration(t.Nano())
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

package watch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// TestConverges does at random what may happen to a source and its consumers,
// and asks for the only things that matter in the end: after a quiet while all
// that is wanted is as the source has it, and the budget was never exceeded.
func TestConverges(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bubble) { converge(t, b, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func converge(t *testing.T, b *bubble, r *rand.Rand) {
	queries := services(60)
	for i := range 10 {
		queries = append(queries, watch.Key{Path: fmt.Sprint(i)})
	}
	b.options.MaxConnections = 8 + r.IntN(80)
	b.source.SetDelay(time.Duration(r.IntN(20)) * time.Millisecond)
	b.watch()
	other := b.watcher.Register("other")
	for range 300 {
		disturb(b, r, queries, other)
		time.Sleep(time.Duration(r.IntN(100)) * time.Millisecond)
	}
	b.source.Up()
	b.source.SetSurveyErr(nil)
	for _, q := range queries {
		b.source.SetErr(q, nil)
	}
	b.wants.Set(queries...)
	time.Sleep(3 * time.Minute)

	if got := b.source.MaxOpen(); got > b.options.MaxConnections {
		t.Errorf("%d requests open at once, want up to %d", got, b.options.MaxConnections)
	}
	for _, q := range queries {
		want, err := b.source.Fetch(t.Context(), watch.Request{Query: q, Consistent: true})
		if err != nil {
			t.Fatal(err)
		}
		if e := b.entry(q); !e.Known || e.Err != nil || !reflect.DeepEqual(e.Value, want.Value) {
			t.Errorf("%s in the end: %+v, want %+v (%+v)", q, e, want.Value, b.status(q))
		}
	}
}

func disturb(b *bubble, r *rand.Rand, queries []watch.Query, other *watch.Wants) {
	q := queries[r.IntN(len(queries))]
	value := func() any {
		if _, ok := q.(watch.Key); ok {
			return pair(fmt.Sprint(r.Uint64()))
		}
		return instances(fmt.Sprint(r.Uint64()))
	}
	switch r.IntN(20) {
	case 0:
		b.source.Down(errRefused)
	case 1, 2, 3:
		b.source.Up()
	case 4:
		b.source.Hang()
	case 5:
		b.source.SetSurveyErr(errors.New("500"))
	case 6, 7:
		b.source.SetSurveyErr(nil)
	case 8:
		b.source.SetErr(q, errors.New("500"))
	case 9:
		b.source.Deny(q)
	case 10:
		b.source.Restart()
	case 11:
		b.source.SetHidden(q, value())
	case 12:
		b.source.Signal()
	case 13:
		b.wants.Set(queries[r.IntN(len(queries)):]...)
	case 14:
		other.Set(queries[:r.IntN(len(queries))]...)
	case 15:
		b.source.Set(q, nil)
	default:
		b.source.Set(q, value())
	}
}

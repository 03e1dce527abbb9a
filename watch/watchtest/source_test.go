package watchtest_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	motd = watch.Key{Path: "motd"}
	web  = watch.Health{Service: "web"}
)

// fetched is the outcome of a request and how long it was held.
type fetched struct {
	reply watch.Reply
	err   error
	held  time.Duration
}

func fetch(t *testing.T, s *watchtest.Source, r watch.Request) <-chan fetched {
	t.Helper()
	done := make(chan fetched, 1)
	started := time.Now()
	go func() {
		reply, err := s.Fetch(t.Context(), r)
		done <- fetched{reply, err, time.Since(started)}
	}()
	synctest.Wait()
	return done
}

func TestFetchIsHeldUntilTheIndexOrTheWaitHasPassed(t *testing.T) {
	for name, test := range map[string]struct {
		index uint64
		do    func(*watchtest.Source)
		held  time.Duration
		value string
		got   uint64
		err   error
	}{
		"without an index":    {0, nil, 0, "one", 2, nil},
		"with a lower index":  {1, nil, 0, "one", 2, nil},
		"nothing happens":     {2, nil, time.Minute, "one", 2, nil},
		"a change":            {2, func(s *watchtest.Source) { s.Set(motd, &watch.Pair{Value: "two"}) }, time.Second, "two", 3, nil},
		"a change elsewhere":  {2, func(s *watchtest.Source) { s.Set(web, nil) }, time.Minute, "one", 2, nil},
		"a shared index":      {2, func(s *watchtest.Source) { s.ShareIndex(); s.Set(web, nil) }, time.Second, "one", 3, nil},
		"a too high index":    {9, func(s *watchtest.Source) { s.Set(motd, &watch.Pair{Value: "two"}) }, time.Minute, "two", 3, nil},
		"a silent change":     {2, func(s *watchtest.Source) { s.SetSilently(motd, nil) }, time.Minute, "", 2, nil},
		"an error":            {2, func(s *watchtest.Source) { s.Deny(motd) }, time.Second, "", 0, watch.ErrDenied},
		"an outage":           {2, func(s *watchtest.Source) { s.Down(errDown) }, time.Second, "", 0, errDown},
		"an index going back": {2, func(s *watchtest.Source) { s.SetIndex(motd, 1) }, time.Minute, "one", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := watchtest.New()
				s.Set(motd, &watch.Pair{Value: "one"})
				done := fetch(t, s, watch.Request{Query: motd, Index: test.index, Wait: time.Minute})
				if test.do != nil {
					time.Sleep(time.Second)
					test.do(s)
				}
				got := <-done
				value := ""
				if p, _ := got.reply.Value.(*watch.Pair); p != nil {
					value = p.Value
				}
				if got.held != test.held || value != test.value || got.reply.Index != test.got || !errors.Is(got.err, test.err) {
					t.Errorf("held %s, then %q at index %d, error %v", got.held, value, got.reply.Index, got.err)
				}
				if s.Open() != 0 || s.MaxOpen() != 1 || s.Requests(motd) != 1 {
					t.Errorf("%d open, %d at most, %d in all; want 0, 1, 1", s.Open(), s.MaxOpen(), s.Requests(motd))
				}
			})
		})
	}
}

var errDown = errors.New("connection refused")

func TestRestartEndsHeldRequestsAndForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watchtest.New()
		s.Set(motd, &watch.Pair{Value: "one"})
		done := fetch(t, s, watch.Request{Query: motd, Index: 2, Wait: time.Minute})
		s.Restart()
		if got := <-done; got.err == nil {
			t.Errorf("the held request was answered: %+v", got.reply)
		}
		got := <-fetch(t, s, watch.Request{Query: motd, Wait: time.Minute})
		if p := got.reply.Value.(*watch.Pair); p != nil || got.reply.Index != 1 {
			t.Errorf("after the restart: %+v", got.reply)
		}
	})
}

func TestSurveyTellsNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watchtest.New()
		ctx, cancel := context.WithCancel(t.Context())
		var told [][]string
		done := make(chan error, 1)
		go func() {
			done <- s.Survey(ctx, watch.Scope{}, func(names map[string]struct{}) {
				told = append(told, slices.Sorted(maps.Keys(names)))
			})
		}()
		synctest.Wait()
		s.Set(web, nil)
		synctest.Wait()
		s.SetHidden(web, nil)
		synctest.Wait()
		s.Set(watch.Health{Service: "far", Scope: watch.Scope{Datacenter: "dc2"}}, nil)
		s.Set(motd, nil)
		synctest.Wait()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the survey ended with %v", err)
		}
		if len(told) != 3 || told[0] != nil || !slices.Equal(told[1], []string{"web"}) || told[2] != nil {
			t.Errorf("told %q, want any, web, any", told)
		}
	})
}

func TestSnapshotHoldsTypedAnswers(t *testing.T) {
	s := watchtest.Snapshot(map[watch.Query]any{
		motd: &watch.Pair{Value: "hello"},
		web:  nil,
	})
	if p, known := watch.Get(s, motd); !known || p.Value != "hello" {
		t.Errorf("the key is %+v, known %t", p, known)
	}
	if list, known := watch.Get(s, web); !known || list != nil {
		t.Errorf("the service is %+v, known %t", list, known)
	}
	defer func() {
		if recover() == nil {
			t.Error("an answer of the wrong type was accepted")
		}
	}()
	watchtest.Snapshot(map[watch.Query]any{web: "text"})
}

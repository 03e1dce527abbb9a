package render

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/shared"
	"github.com/sluiceproxy/sluice/watch/watchtest"
)

// board is one key, which shows in a source.
type board struct {
	mu    sync.Mutex
	watch *watchtest.Source
	key   watch.Key
	owner string
	posts []string
	fails func(value []byte) error
}

const ours, theirs = "our session", "their session"

func (b *board) Owns(session string) bool { return session == ours }

func (b *board) Put(_ context.Context, key string, value []byte) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails != nil {
		if err := b.fails(value); err != nil {
			return false, err
		}
	}
	if b.owner != "" && b.owner != ours {
		return false, nil
	}
	b.posts = append(b.posts, string(value))
	b.show(ours, value)
	return true, nil
}

// show makes the key somebody's, or nobody's.
func (b *board) show(owner string, value []byte) {
	b.owner = owner
	if owner == "" {
		b.watch.Set(b.key, nil)
		return
	}
	b.watch.Set(b.key, &watch.Pair{Key: b.key.Path, Value: string(value), Session: owner})
}

// post is another host's.
func (b *board) post(t *testing.T, queries []watch.Query, answers map[watch.Query]any) {
	t.Helper()
	value, err := shared.Encode(queries, watchtest.Snapshot(answers))
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.show(theirs, value)
}

// withdraw is the end of the owner.
func (b *board) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.show("", nil)
}

// last is what we posted last; empty before.
func (b *board) last(t *testing.T) shared.Bundle {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.posts) == 0 {
		return shared.Bundle{}
	}
	bundle, err := shared.Decode(b.posts[len(b.posts)-1], shared.Bundle{})
	if err != nil {
		t.Error(err)
	}
	return bundle
}

func (b *board) says(t *testing.T, q watch.Key) string {
	a, _ := b.last(t).Answer(q)
	if pair, ok := a.Value.(*watch.Pair); ok && pair != nil {
		return pair.Value
	}
	return ""
}

var color, size = watch.Key{Path: "color"}, watch.Key{Path: "size"}

const sharedText = `{{key "color"}} {{key "size"}}`

// share runs a renderer whose board is ready before it starts.
func startShared(t *testing.T, prepare func(*bench, *board)) (*bench, *board) {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir(), source: watchtest.New()}
	o := Options{Templates: []Template{text(sharedText, "out")}, Sharing: Sharing{Prefix: "dedup/"}}
	program, err := Parse(o.Templates[0])
	if err != nil {
		t.Fatal(err)
	}
	located := o.Templates[0]
	located.Destination = b.path("out")
	board := &board{watch: b.source}
	o.Sharing.Board = board
	board.key = newShare(o.Sharing, located, program).key
	board.withdraw()
	b.setKey("color", "red")
	b.setKey("size", "1")
	if prepare != nil {
		prepare(b, board)
	}
	b.start(o)
	return b, board
}

func pairs(c, s string) map[watch.Query]any {
	return map[watch.Query]any{color: &watch.Pair{Value: c}, size: &watch.Pair{Value: s}}
}

func (b *bench) awaitRole(want role) {
	b.t.Helper()
	b.await("role "+string(want), func() bool { return b.Status()[0].Sharing == string(want) })
}

func TestLeaderAsksAndPosts(t *testing.T) {
	b, board := startShared(t, nil)
	b.awaitFile("out", "red 1")
	b.awaitRole(leader)
	b.await("the answers are posted", func() bool { return board.says(t, color) == "red" && board.says(t, size) == "1" })
	b.setKey("color", "blue")
	b.awaitFile("out", "blue 1")
	b.await("the change is posted", func() bool { return board.says(t, color) == "blue" })
	// Somebody deletes the key by hand.
	board.mu.Lock()
	before := len(board.posts)
	board.mu.Unlock()
	board.withdraw()
	b.await("it is posted again", func() bool {
		board.mu.Lock()
		defer board.mu.Unlock()
		return len(board.posts) > before && board.owner == ours
	})
	b.awaitRole(leader)
}

func TestFollowerTakesTheAnswers(t *testing.T) {
	both := []watch.Query{color, size}
	b, board := startShared(t, func(_ *bench, board *board) { board.post(t, both, pairs("green", "2")) })
	b.awaitFile("out", "green 2")
	b.awaitRole(follower)
	board.post(t, both, pairs("green", "3"))
	b.awaitFile("out", "green 3")
	if n := b.source.Requests(color) + b.source.Requests(size); n > 0 {
		t.Errorf("%d requests for what another asks", n)
	}
	if len(board.posts) > 0 {
		t.Errorf("a follower has posted %q", board.posts)
	}

	// What the leader does not ask, or may not see, is asked here.
	board.post(t, []watch.Query{size}, pairs("", "4"))
	b.awaitFile("out", "red 4")

	// The leader is gone: its answers count until there are own ones.
	b.source.Set(size, nil)
	board.withdraw()
	b.awaitRole(leader)
	board.mu.Lock()
	first, err := shared.Decode(board.posts[0], shared.Bundle{})
	board.mu.Unlock()
	if a, _ := first.Answer(size); err != nil || !a.Known || a.Value.(*watch.Pair).Value != "4" {
		t.Errorf("the first post says %v, %v", a, err)
	}
	b.setKey("size", "5")
	b.awaitFile("out", "red 5")

	// Another one was faster after all.
	board.post(t, both, pairs("white", "6"))
	b.awaitFile("out", "white 6")
	b.awaitRole(follower)
}

// Whatever goes wrong with the sharing, the file is made.
func TestWithoutSharing(t *testing.T) {
	refuse := func(err error) func(*bench, *board) {
		return func(_ *bench, board *board) { board.fails = func([]byte) error { return err } }
	}
	for name, test := range map[string]struct {
		prepare func(*bench, *board)
		log     string
	}{
		"no right to write": {refuse(fmt.Errorf("%w: key:write", watch.ErrDenied)), "permission denied: key:write"},
		"writing fails":     {refuse(errors.New("no leader")), "no leader"},
		"no right to read":  {func(b *bench, board *board) { b.source.Deny(board.key) }, "permission denied"},
		"another format": {func(_ *bench, board *board) {
			board.mu.Lock()
			defer board.mu.Unlock()
			board.show(theirs, []byte("something else"))
		}, "reading shared answers"},
		"too large for the others": {func(_ *bench, board *board) {
			board.mu.Lock()
			defer board.mu.Unlock()
			text, _ := shared.Apart()
			board.show(theirs, text)
		}, "too large to be shared"},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := startShared(t, test.prepare)
			b.awaitFile("out", "red 1")
			b.awaitRole(apart)
			if log := b.log.String(); strings.Count(log, "level=WARN msg=\"a template shares no answers") != 1 || !strings.Contains(log, test.log) {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestTooLargeAnswersSendEverybodyAway(t *testing.T) {
	limit := 0
	b, board := startShared(t, func(_ *bench, board *board) {
		board.fails = func(value []byte) error {
			if limit == 0 {
				limit = len(value) + 20 // what is asked fits, the answers do not
			}
			if len(value) > limit {
				return shared.ErrTooLarge
			}
			return nil
		}
	})
	b.awaitFile("out", "red 1")
	b.awaitRole(leader)
	b.await("everybody is sent away", func() bool { return board.last(t).Apart })
}

func TestOnceSharesNothing(t *testing.T) {
	b, board := startShared(t, func(b *bench, board *board) { board.post(t, []watch.Query{color, size}, pairs("green", "2")) })
	b.stop()
	for name, change := range map[string]func(*Options){
		"once": func(o *Options) { o.Once = true },
		"dry":  func(o *Options) { o.Dry = true },
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Templates: []Template{text(sharedText, "out")}, Sharing: Sharing{Prefix: "dedup/", Board: board}}
			change(&o)
			b.start(o)
			b.await("it asks for itself", func() bool { return b.source.Requests(color) > 0 })
			b.stop()
		})
	}
}

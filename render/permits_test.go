package render

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
)

// lender lends its locks when the test says so.
type lender struct {
	grants chan error // each decides on one request
	mu     sync.Mutex
	events []string
	lose   context.CancelCauseFunc // of the lock lent last
}

func newLender(grants ...error) *lender {
	l := &lender{grants: make(chan error, 10)}
	for _, g := range grants {
		l.grants <- g
	}
	return l
}

func (l *lender) Lock(ctx context.Context, key string, limit int, waiting func(string)) (context.Context, func(), error) {
	waiting("it is held by others")
	select {
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	case err := <-l.grants:
		if err != nil {
			return nil, nil, err
		}
	}
	held, lose := context.WithCancelCause(context.WithoutCancel(ctx))
	l.note("took "+key, lose)
	return held, func() { l.note("gave back "+key, lose) }, nil
}

func (l *lender) note(event string, lose context.CancelCauseFunc) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.lose = append(l.events, event), lose
}

func (l *lender) seen() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *lender) drop(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose(cause)
}

func locked(contents, destination, command string) Template {
	t := text(contents, destination)
	t.Command, t.Lock = install.Command{command}, Lock{Key: "app", Limit: 1}
	return t
}

// While a command waits, its file is written and the other templates go on.
func TestCommandWaitsForItsLock(t *testing.T) {
	lender := newLender()
	other := text(`{{key "a"}}`, "other")
	other.Command = install.Command{"echo other $(cat $DIR/other)"}
	b := start(t, Options{Locker: lender, Templates: []Template{locked(`{{key "a"}}`, "out", "echo locked $(cat $DIR/out)"), other}})
	b.setKey("a", "1")
	b.await("the other's command", func() bool { return b.out.Count("other 1") == 1 })
	b.awaitFile("out", "1")
	b.setKey("a", "2")
	b.await("the other's command", func() bool { return b.out.Count("other 2") == 1 })
	b.await("a warning", func() bool { return b.log.Count("a command waits for its lock") == 1 })
	if b.out.Count("locked") != 0 {
		t.Error("the command ran without its lock")
	}
	lender.grants <- nil
	b.awaitState(0, Applied)
	b.await("the lock's return", func() bool { return slices.Equal(lender.seen(), []string{"took app", "gave back app"}) })
	if got := b.out.Count("locked"); got != 1 || b.out.Count("locked 2") != 1 {
		t.Errorf("the command ran %d times:\n%s", got, b.out)
	}
}

// Commands of one pass share a lock; the next change asks for it again.
func TestCommandsShareALock(t *testing.T) {
	lender := newLender(nil, nil)
	b := start(t, Options{Locker: lender, Templates: []Template{
		locked(`{{key "a"}}`, "one", "echo one"), locked(`{{key "a"}}`, "two", "echo two"),
	}})
	b.setKey("a", "1")
	b.awaitState(0, Applied)
	b.awaitState(1, Applied)
	if got := lender.seen(); got[0] != "took app" || slices.Contains(got[1:], "took app") {
		t.Errorf("events %q", got)
	}
	b.setKey("a", "2")
	b.await("the second time", func() bool { return b.out.Count("one") == 2 && b.out.Count("two") == 2 })
	b.await("the lock's return", func() bool {
		return slices.Equal(lender.seen(), []string{"took app", "gave back app", "took app", "gave back app"})
	})
}

// A command that loses its lock is ended and runs again, and that is no failure
// of its own.
func TestLostLock(t *testing.T) {
	lender := newLender(nil, nil)
	tpl := locked("x", "out", "echo begun; test -e $DIR/fixed || exec sleep 1000")
	tpl.OnCommandError, tpl.CommandTimeout = CommandExit, time.Hour
	b := start(t, Options{Locker: lender, Retry: impatient, Templates: []Template{tpl}})
	b.await("the command", func() bool { return b.out.Count("begun") == 1 })
	if err := os.WriteFile(b.path("fixed"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	lender.drop(errors.New("the session is gone"))
	b.awaitState(0, Applied)
	if b.log.Count("the lock was lost: lock app: the session is gone") == 0 {
		t.Errorf("log:\n%s", b.log)
	}
}

func TestRefusedLock(t *testing.T) {
	tpl := locked("x", "out", "echo ran")
	tpl.OnCommandError = CommandExit
	b, err := once(t, Options{Locker: newLender(errors.New("permission denied")), Templates: []Template{tpl}})
	if err == nil || !strings.Contains(err.Error(), "permission denied") || b.out.Count("ran") != 0 {
		t.Errorf("error %v, output %s", err, b.out)
	}
	if b.read("out") != "x" {
		t.Error("the file was not written")
	}
}

// With once, the end waits until the lock was held as long as asked for.
func TestLockIsHeldAfterTheCommand(t *testing.T) {
	lender := newLender(nil)
	tpl := locked("x", "out", "echo ran")
	tpl.Lock.Hold = 300 * time.Millisecond
	began := time.Now()
	if _, err := once(t, Options{Locker: lender, Templates: []Template{tpl}}); err != nil {
		t.Fatal(err)
	}
	if time.Since(began) < tpl.Lock.Hold {
		t.Error("it was given back at once")
	}
	if got := lender.seen(); !slices.Equal(got, []string{"took app", "gave back app"}) {
		t.Errorf("events %q", got)
	}
}

// The end of the renderer ends the wait, and gives back what is held.
func TestLocksEndWithTheRenderer(t *testing.T) {
	waiting, holding := locked("x", "a", "true"), locked("x", "b", "echo ran")
	holding.Lock = Lock{Key: "other", Limit: 1, Hold: time.Hour}
	lender := newLender(nil)
	b := start(t, Options{Locker: lender, Templates: []Template{holding}})
	b.await("the command", func() bool { return b.out.Count("ran") == 1 })
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	if got := lender.seen(); !slices.Equal(got, []string{"took other", "gave back other"}) {
		t.Errorf("events %q", got)
	}
	b = start(t, Options{Locker: lender, Templates: []Template{waiting}})
	b.await("a warning", func() bool { return b.log.Count("waits for its lock") == 1 })
	if err := b.stop(); err != nil {
		t.Error(err)
	}
}

// With once, the error tells what it was waiting for when time was up.
func TestOnceTellsOfTheLock(t *testing.T) {
	b := start(t, Options{Once: true, Locker: newLender(), Templates: []Template{locked("x", "out", "true")}})
	b.await("a warning", func() bool { return b.log.Count("waits for its lock") == 1 })
	if err := b.stop(); err == nil || !strings.HasSuffix(err.Error(), "waits for the lock app") {
		t.Errorf("error %v", err)
	}
}

func TestLockNeedsALocker(t *testing.T) {
	tpl := locked("x", "out", "true")
	if _, err := New(Options{Templates: []Template{tpl}}, nil); err == nil || !strings.Contains(err.Error(), "lock app") {
		t.Errorf("error %v", err)
	}
	tpl.Lock.Limit = 0
	if _, err := New(Options{Templates: []Template{tpl}, Locker: newLender()}, nil); err == nil || !strings.Contains(err.Error(), "limit") {
		t.Errorf("error %v", err)
	}
}

package tcp

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/lb/target"
)

var db = target.Key{Scheme: Scheme, Address: "192.0.2.1:5432"}

func TestDepartedTargetLosesItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Upstreams{Grace: time.Minute}
		one := u.Conns(db)
		ctx, done := one.Use(t.Context())
		defer done()
		one.Release()
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("cut before the grace was over")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), ErrDeparted) {
			t.Errorf("%v, want departed", context.Cause(ctx))
		}
	})
}

func TestTargetThatComesBackKeepsItsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Upstreams{Grace: time.Minute}
		one := u.Conns(db)
		ctx, done := one.Use(t.Context())
		one.Release()
		time.Sleep(30 * time.Second)
		again := u.Conns(db)
		time.Sleep(time.Hour)
		synctest.Wait()
		if ctx.Err() != nil || again != one || again.Open() != 1 {
			t.Errorf("%v, %d open: the connections are not those of the target before", context.Cause(ctx), again.Open())
		}
		done()
		again.Release()
		if len(u.known) > 0 {
			t.Error("a target without connections was not forgotten")
		}
	})
}

// The new target of a key may be there before the old one is gone.
func TestTargetsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Upstreams{Grace: time.Minute}
		one := u.Conns(db)
		u.Conns(db)
		ctx, done := one.Use(t.Context())
		defer done()
		one.Release()
		time.Sleep(time.Hour)
		synctest.Wait()
		if ctx.Err() != nil {
			t.Error("cut although there is a target")
		}
	})
}

// A target may go between its being picked and its use.
func TestUseOfDepartedTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := &Upstreams{Grace: time.Minute}
		one := u.Conns(db)
		one.Release()
		ctx, done := one.Use(t.Context())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), ErrDeparted) {
			t.Errorf("%v, want departed", context.Cause(ctx))
		}
		done()
	})
}

func TestConnLimit(t *testing.T) {
	l := ConnLimit{Amount: 2}
	a, b := addr("192.0.2.1"), addr("192.0.2.2")
	got := []bool{l.Enter(a), l.Enter(a), l.Enter(a), l.Enter(b)}
	l.Leave(a)
	got = append(got, l.Enter(a))
	if want := []bool{true, true, false, true, true}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for range 2 {
		l.Leave(a)
	}
	if l.Leave(b); len(l.open) > 0 {
		t.Errorf("%v is left", l.open)
	}
}

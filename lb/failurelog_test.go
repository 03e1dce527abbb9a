package lb

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailuresOfOneKindAreLoggedOnceInAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l failureLog
		web, api := failureKind{"web", 502}, failureKind{"api", 502}
		steps := []struct {
			after  time.Duration
			kind   failureKind
			silent int
			due    bool
		}{
			{0, web, 0, true},
			{0, web, 0, false},
			{0, api, 0, true}, // another route has its own
			{9 * time.Second, web, 0, false},
			{time.Second, web, 2, true},
			{time.Hour, web, 0, true},
		}
		for i, step := range steps {
			time.Sleep(step.after)
			if silent, due := l.due(step.kind); silent != step.silent || due != step.due {
				t.Errorf("step %d: %d silent, due %t; want %d, %t", i, silent, due, step.silent, step.due)
			}
		}
	})
}

func TestFailureLogIsBounded(t *testing.T) {
	var l failureLog
	for i := range 3 * maxFailureKinds {
		l.due(failureKind{fmt.Sprint(i), 502})
	}
	if len(l.kinds) > maxFailureKinds {
		t.Errorf("%d kinds are kept", len(l.kinds))
	}
}

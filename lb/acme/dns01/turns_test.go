package dns01

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
)

// Calls with the same resolvers go on together, and others after them.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns turns
		one, other := []string{"127.0.0.1:1"}, []string{"127.0.0.1:2"}
		take := func(resolvers []string) {
			if err := turns.take(t.Context(), resolvers); err != nil {
				t.Error(err)
			}
		}
		take(one)
		take(one)
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := turns.take(ended, other); !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait: %v", err)
		}
		got := make(chan struct{})
		var waiting sync.WaitGroup
		waiting.Go(func() {
			take(other)
			close(got)
		})
		turns.give()
		synctest.Wait()
		select {
		case <-got:
			t.Fatal("others are let in while there is a call under way")
		default:
		}
		turns.give()
		<-got
		turns.give()
		take(one)
		turns.give()
		waiting.Wait()
	})
}

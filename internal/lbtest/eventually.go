package lbtest

import (
	"testing"
	"time"
)

// patience is how long a condition may take to come true. It is no demand on
// speed.
const patience = 20 * time.Second

// Eventually waits until the condition holds.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

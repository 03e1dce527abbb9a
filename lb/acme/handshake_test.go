package acme

import (
	"context"
	"crypto/tls"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A handshake right after the start waits for what the storage may have, but not
// for ever, and nobody waits for names that are not wanted, or for authorities.
func TestHandshakesWaitForTheStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Options{
			Directory: LetsEncrypt, Email: "operator@example.test", KeyType: DefaultKeyType, Challenge: ChallengeTLS, Storage: newMemory(),
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		took := func(name string) (*tls.Certificate, time.Duration) {
			began := time.Now()
			return c.certificate(t.Context(), name), time.Since(began)
		}
		if got, d := took("a.test"); got != nil || d != loadPatience {
			t.Errorf("before anything is wanted: %v after %v", got, d)
		}
		if got, d := took(""); got != nil || d != 0 {
			t.Errorf("without a name: %v after %v", got, d)
		}
		loaded := &tls.Certificate{}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if got, d := took("A.test."); got != loaded || d != 3*time.Second {
				t.Errorf("what is being loaded: %v after %v", got, d)
			}
		})
		time.Sleep(time.Second)
		c.Want([]string{"a.test", "new.test"})
		if got, d := took("unknown.test"); got != nil || d != 0 {
			t.Errorf("what nobody wants: %v after %v", got, d)
		}
		time.Sleep(2 * time.Second)
		c.mu.Lock()
		c.names["a.test"].load(loaded)
		c.names["new.test"].load(nil)
		c.mu.Unlock()
		waiting.Wait()
		if got, d := took("new.test"); got != nil || d != 0 {
			t.Errorf("what is to be issued: %v after %v", got, d)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if got := c.certificate(gone, "a.test"); got != loaded {
			t.Error("what is there needs no time")
		}
	})
}

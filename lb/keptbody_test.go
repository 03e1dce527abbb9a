package lb

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// An answer may come, and end the reading, before the end of a body is asked for
// whose last byte was read.
func TestKeptBodyIsWholeWithItsLastByte(t *testing.T) {
	for _, test := range []struct {
		length  int64
		room    int64
		isWhole bool
	}{{4, 10, true}, {4, 3, false}, {5, 10, false}, {-1, 10, false}} {
		b := &keptBody{from: iotest.OneByteReader(strings.NewReader("form")), length: test.length, room: test.room}
		for range 4 {
			_, _ = b.Read(make([]byte, 8))
		}
		b.Interrupt()
		if b.isWhole() != test.isWhole {
			t.Errorf("%d bytes with room for %d: whole is %t", test.length, test.room, b.isWhole())
		}
		if !test.isWhole {
			continue
		}
		if again, err := io.ReadAll(b.again()); err != nil || string(again) != "form" {
			t.Errorf("again: %q, %v", again, err)
		}
	}
}

// A target that goes while the client is still sending is the one to blame.
func TestTargetThatDiesDuringABody(t *testing.T) {
	r := start(t, nil, testRoute{prefix: "/", backends: []string{hanging(t)}})
	slow, end := io.Pipe()
	defer end.Close()
	resp, err := client(t).Post(r.url("/"), "text/plain", slow)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("status %s, want 502", resp.Status)
	}
}

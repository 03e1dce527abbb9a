package acme

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/capture"
)

// There is room for so many names. Those nobody wants make room for others, and who
// has a place keeps it.
func TestNamesAreBounded(t *testing.T) {
	var log capture.Buffer
	o := Options{
		Directory: LetsEncrypt, Email: "operator@example.test", KeyType: DefaultKeyType, Challenge: ChallengeTLS, Storage: newMemory(),
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	names := func(prefix string, n int) (all []string) {
		for i := range n {
			all = append(all, fmt.Sprintf("%s%d.test", prefix, i))
		}
		return all
	}
	wanted := func(prefix string) (n int) {
		for text, name := range c.names {
			if name.wanted && strings.HasPrefix(text, prefix) {
				n++
			}
		}
		return n
	}
	c.Want(append(names("new", 10), names("old", MaxNames-5)...))
	if len(c.names) != MaxNames || !strings.Contains(log.String(), "beyond=5") {
		t.Errorf("%d names; log: %s", len(c.names), &log)
	}
	was := wanted("old")
	c.Want(append(names("first", MaxNames), names("old", MaxNames-5)...))
	if len(c.names) != MaxNames || wanted("old") != was || wanted("new") != 0 || wanted("first") != MaxNames-was {
		t.Errorf("%d names: %d old of %d, %d new, %d first", len(c.names), wanted("old"), was, wanted("new"), wanted("first"))
	}
	c.Want(nil)
	if rest := c.dispatch(time.Now()); len(c.names) != 0 || rest <= 0 {
		t.Errorf("%d names are left, rest %v", len(c.names), rest)
	}
}

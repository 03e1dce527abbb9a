package consul

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch/dial"
)

func TestTokenFile_EmptyIsToldOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	write(" \n")
	tokens, err := newTokens("fixed", file, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want dial.Secret, warnings int) {
		t.Helper()
		for range 3 {
			if got := tokens.get(); got != want {
				t.Errorf("%s the token is %q, want %q", when, got.Reveal(), want.Reveal())
			}
			tokens.reread()
		}
		if got := strings.Count(log.String(), "level=WARN"); got != warnings {
			t.Errorf("%s there are %d warnings, want %d:\n%s", when, got, warnings, log.String())
		}
	}
	check("at first", "fixed", 1)
	changed := tokens.changed()
	write("one")
	check("with a token", "one", 1)
	select {
	case <-changed:
	default:
		t.Error("the change was not told")
	}
	changed = tokens.changed()
	write("")
	check("emptied", "one", 2)
	write("one")
	check("as before", "one", 2)
	select {
	case <-changed:
		t.Error("the same token was told as a change")
	default:
	}
}

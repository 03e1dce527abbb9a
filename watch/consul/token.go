package consul

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// tokens hands out the ACL token for each request and follows its file.
type tokens struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	current Secret
	seen    fileVersion
	failed  bool // the last look at the file failed and was logged
}

// fileVersion tells whether a file is another one than last time.
type fileVersion struct {
	modified time.Time
	size     int64
}

func newTokens(fixed Secret, file string, log *slog.Logger) (*tokens, error) {
	t := &tokens{file: file, log: log, current: fixed}
	if file == "" {
		return t, nil
	}
	if err := t.read(); err != nil {
		return nil, fmt.Errorf("reading the consul token: %w", err)
	}
	return t, nil
}

// get returns the token as of now. A file that cannot be read, as happens
// while it is being replaced, leaves the last one in use.
func (t *tokens) get() Secret {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return t.current
	}
	info, err := os.Stat(t.file)
	if err == nil && (fileVersion{info.ModTime(), info.Size()}) != t.seen {
		err = t.read()
	}
	t.note(err)
	return t.current
}

// refused re-reads the file after the agent refused a token, even if it looks
// unchanged: a rewrite within the clock's grain has the same time and size.
func (t *tokens) refused() Secret {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file != "" {
		t.note(t.read())
	}
	return t.current
}

func (t *tokens) read() error {
	// Looked at before reading: a write in between is then seen next time.
	info, err := os.Stat(t.file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(t.file)
	if err != nil {
		return err
	}
	t.seen = fileVersion{info.ModTime(), info.Size()}
	if token := strings.TrimSpace(string(text)); token != "" {
		t.current = Secret(token)
	}
	return nil
}

// note logs the beginning of a fault, not its every repetition.
func (t *tokens) note(err error) {
	if err != nil && !t.failed {
		t.log.Warn("consul token file cannot be read; the last token stays in use", "file", t.file, "err", err)
	}
	t.failed = err != nil
}

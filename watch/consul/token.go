package consul

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// tokens hands out the ACL token for each request and follows its file.
type tokens struct {
	file string
	log  *slog.Logger

	mu      sync.Mutex
	current dial.Secret
	renewed chan struct{} // closed and replaced when current is another
	seen    fileVersion
	fault   error // of the last read
	warned  bool  // of what is wrong with the file now
}

// fileVersion tells whether a file is another one than last time.
type fileVersion struct {
	modified time.Time
	size     int64
}

// tokenEvery is how often the file is looked at without a request.
const tokenEvery = time.Second

var errNoToken = errors.New("the file is empty")

func newTokens(fixed dial.Secret, file string, log *slog.Logger) (*tokens, error) {
	t := &tokens{file: file, log: log, current: fixed, renewed: make(chan struct{})}
	if file == "" {
		return t, nil
	}
	err := t.read()
	if err != nil && !errors.Is(err, errNoToken) {
		return nil, fmt.Errorf("reading the consul token: %w", err)
	}
	t.note(err)
	return t, nil
}

// follow reads the file now and then until ctx ends, for requests that wait
// for another token.
func (t *tokens) follow(ctx context.Context) {
	if t.file == "" {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(tokenEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			t.reread()
		}
	}
}

// get returns the token as of now. A file that cannot be read, as happens
// while it is being replaced, leaves the last one in use.
func (t *tokens) get() dial.Secret {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == "" {
		return t.current
	}
	info, err := os.Stat(t.file)
	switch {
	case err != nil:
	case fileVersion{info.ModTime(), info.Size()} != t.seen:
		err = t.read()
	default:
		err = t.fault
	}
	t.note(err)
	return t.current
}

// reread reads the file even if it looks unchanged: a rewrite within the
// clock's grain has the same time and size.
func (t *tokens) reread() dial.Secret {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file != "" {
		t.note(t.read())
	}
	return t.current
}

// changed is closed when another token takes the place of the current one.
func (t *tokens) changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.renewed
}

// read takes the token from the file.
func (t *tokens) read() (err error) {
	defer func() { t.fault = err }()
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
	token := dial.Secret(strings.TrimSpace(string(text)))
	if token == "" {
		return errNoToken
	}
	if token != t.current {
		t.current = token
		close(t.renewed)
		t.renewed = make(chan struct{})
	}
	return nil
}

// note logs the beginning of a fault, not its every repetition.
func (t *tokens) note(err error) {
	if err != nil && !t.warned {
		t.log.Warn("consul token file gives no token; the last one stays in use, if there was any", "file", t.file, "err", err)
	}
	t.warned = err != nil
}

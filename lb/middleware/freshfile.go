package middleware

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often a file is looked at, at most, if nothing is said.
const lookEvery = time.Second

// freshFile is what a file holds, which is read again when it has changed. While it
// cannot be read, or makes no sense, there is an error: who replaced it wanted
// something else.
type freshFile[T any] struct {
	path    string // empty for a file that is empty for ever
	refresh time.Duration
	parse   func(text []byte) (T, error)
	now     atomic.Pointer[contentOrError[T]]

	mu      sync.Mutex // for who looks at the file
	looked  time.Time
	changed time.Time // of the file as it was read, and:
	size    int64
}

// contentOrError is immutable.
type contentOrError[T any] struct {
	content T
	err     error
}

// newFreshFile reads the file; what went wrong is told by get.
func newFreshFile[T any](path string, refresh time.Duration, parse func([]byte) (T, error)) *freshFile[T] {
	f := &freshFile[T]{path: path, refresh: refresh, parse: parse, looked: time.Now()}
	f.read()
	return f
}

// get is what the file holds now, unless somebody else is looking.
func (f *freshFile[T]) get() (T, error) {
	if f.path != "" && f.mu.TryLock() {
		if now := time.Now(); now.Sub(f.looked) >= f.refresh {
			f.looked = now
			f.read()
		}
		f.mu.Unlock()
	}
	now := f.now.Load()
	return now.content, now.err
}

// read reads the file, unless that was done and it has not changed.
func (f *freshFile[T]) read() {
	var text []byte
	var err error
	if f.path != "" {
		info, failure := os.Stat(f.path)
		if err = failure; err == nil {
			last := f.now.Load()
			if last != nil && last.err == nil && info.ModTime().Equal(f.changed) && info.Size() == f.size {
				return
			}
			f.changed, f.size = info.ModTime(), info.Size()
			text, err = readFile(f.path)
		}
	}
	var now contentOrError[T]
	if now.err = err; err == nil {
		now.content, now.err = f.parse(text)
	}
	f.now.Store(&now)
}

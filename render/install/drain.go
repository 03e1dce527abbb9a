package install

import (
	"io"
	"os"
	"strings"
	"sync"
)

// drain is a pipe from a command: what is written to it goes to a writer and
// into a tail.
type drain struct {
	read, write *os.File
	to          io.Writer
	done        chan struct{} // closed when all was read
}

func newDrain(to io.Writer, tail *tail) (*drain, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	d := &drain{read: read, write: write, to: tail, done: make(chan struct{})}
	if to != nil {
		d.to = io.MultiWriter(tail, indifferent{to})
	}
	return d, nil
}

// start gives up the writing end, which is the command's now, and reads until
// nobody holds it any more.
func (d *drain) start() {
	d.write.Close()
	go func() {
		defer close(d.done)
		defer d.read.Close()
		_, _ = io.Copy(d.to, d.read)
	}()
}

func (d *drain) isDone() bool {
	select {
	case <-d.done:
		return true
	default:
		return false
	}
}

// close ends the pipe and waits for its reader, if it was started.
func (d *drain) close() {
	d.read.Close()
	if d.write.Close() == nil {
		return // never started
	}
	<-d.done
}

// indifferent hides write errors: that our own output is closed must not block
// a command.
type indifferent struct{ io.Writer }

func (w indifferent) Write(p []byte) (int, error) {
	_, _ = w.Writer.Write(p)
	return len(p), nil
}

// maxTail is how much of a command's output is kept for errors, in bytes.
const maxTail = 4 << 10

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxTail; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(t.text), "?"))
}

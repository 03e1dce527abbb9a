package tlsconf

import "sync"

// Fault is the last fault of something that is tried again and again, so that a
// log is told of each once. The zero value is none.
type Fault struct {
	mu   sync.Mutex
	text string
}

// IsNews takes note of what an attempt ended with, nil if it went well, and reports
// whether that is another fault than before, or the end of one.
func (f *Fault) IsNews(err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.text
	f.text = text
	return text != was
}

package render

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/shared"
)

// poster writes the newest of what it is sent to one key, and tries for ever.
type poster struct {
	board Board
	key   string
	next  chan []byte // one slot

	mu       sync.Mutex
	err      error // of the last attempt
	tooLarge int   // the least size that was, in bytes; 0 if none was
}

const (
	postPause  = 100 * time.Millisecond // between two posts
	postRetry  = time.Second            // after one that failed, doubled each time
	postRarely = time.Minute
)

// send takes the place of what was sent before; nil is nothing to write. It is
// for one goroutine only.
func (p *poster) send(text []byte) {
	select {
	case <-p.next:
	default:
	}
	p.next <- text
}

// run writes until ctx ends. It calls changed when writing begins or ceases to
// fail.
func (p *poster) run(ctx context.Context, changed func()) {
	var text []byte
	retry := postRetry
	for ctx.Err() == nil {
		if text == nil {
			select {
			case <-ctx.Done():
			case text = <-p.next:
			}
			continue
		}
		own, err := p.board.Put(ctx, p.key, text)
		if p.note(len(text), err) {
			changed()
		}
		pause := postPause
		if own || errors.Is(err, shared.ErrTooLarge) {
			text, retry = nil, postRetry
		} else { // Somebody else was faster, which the watched key will tell; or not.
			pause, retry = retry, min(2*retry, postRarely)
		}
		watch.Sleep(ctx, pause)
		select {
		case text = <-p.next:
		default:
		}
	}
}

// note reports whether err is another kind of news than the last.
func (p *poster) note(size int, err error) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	news = (err == nil) != (p.err == nil)
	p.err = err
	if errors.Is(err, shared.ErrTooLarge) && (p.tooLarge == 0 || size < p.tooLarge) {
		p.tooLarge, news = size, true
	}
	return news
}

// failure is why the last attempt has failed, nil if it has not.
func (p *poster) failure() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// limit is the size from which on a text is known to be too large; 0 if none is.
func (p *poster) limit() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tooLarge
}

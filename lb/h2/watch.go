package h2

import (
	"sync"
	"time"
)

// patience is how long it may take to notice that a client is gone of whom no
// context tells.
const patience = 250 * time.Millisecond

// watch looks now and then whether the call is still wanted.
type watch struct {
	watching sync.Mutex // held while it looks
	unwanted bool       // nobody looks any more
	timer    *time.Timer
}

func (a *Answer) startWatch() {
	if a.call.Watch == nil {
		return
	}
	a.watching.Lock()
	defer a.watching.Unlock()
	a.timer = time.AfterFunc(patience, a.look)
}

func (a *Answer) look() {
	a.watching.Lock()
	defer a.watching.Unlock()
	if a.unwanted {
		return
	}
	if err := a.call.Watch.Abandoned(); err != nil {
		a.cancel(err)
		return
	}
	a.timer.Reset(patience)
}

// endWatch returns when nobody looks any more.
func (a *Answer) endWatch() {
	a.watching.Lock()
	defer a.watching.Unlock()
	a.unwanted = true
	if a.timer != nil {
		a.timer.Stop()
	}
}

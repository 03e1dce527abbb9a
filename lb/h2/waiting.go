package h2

import (
	"cmp"
	"net/http"
	"net/textproto"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/h1"
)

// waiting is what may happen until the head of the answer is there.
type waiting struct {
	mu       sync.Mutex
	over     bool
	deadline *time.Timer // for the head; nil while the request is being sent

	informed  int
	interim   []interim // to be passed on
	informing bool
	informers sync.WaitGroup
}

// interim is an answer that says that another one is to come.
type interim struct {
	status int
	fields []h1.Field
}

// expectAnswer begins the time an answer may take when the request is sent.
func (a *Answer) expectAnswer() {
	limit := cmp.Or(a.call.HeadTimeout, a.pool.options.HeadTimeout)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || limit <= 0 {
		return
	}
	a.deadline = time.AfterFunc(limit, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if !a.over {
			a.cancel(errAnswerSlow)
		}
	})
}

// queueInterim takes an interim answer, from the goroutine that reads for all
// exchanges of the connection: passing it on is left to another one, for a client
// may be slow to take it. 100 is not for others, and 101 not of HTTP/2.
func (a *Answer) queueInterim(status int, header textproto.MIMEHeader) error {
	const most = 5
	if status <= http.StatusSwitchingProtocols || a.call.Inform == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.informed == most {
		return nil
	}
	a.informed++
	a.interim = append(a.interim, interim{status, appendFields(nil, http.Header(header))})
	if !a.informing {
		a.informing = true
		a.informers.Go(a.inform)
	}
	return nil
}

// inform passes on what is queued.
func (a *Answer) inform() {
	for {
		a.mu.Lock()
		if len(a.interim) == 0 {
			a.informing = false
			a.mu.Unlock()
			return
		}
		next := a.interim[0]
		a.interim = a.interim[1:]
		a.mu.Unlock()
		if err := a.call.Inform(next.status, next.fields); err != nil {
			a.cancel(err)
			return
		}
	}
}

// endWaiting returns when nobody informs the client any more.
func (a *Answer) endWaiting() {
	a.mu.Lock()
	a.over = true
	if a.deadline != nil {
		a.deadline.Stop()
	}
	a.mu.Unlock()
	a.informers.Wait()
}

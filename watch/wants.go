package watch

import (
	"slices"
)

// Wants is what one consumer wants, and its dirty flag.
type Wants struct {
	watcher  *Watcher
	consumer string
	changed  chan struct{}

	// Guarded by Watcher.mu.
	set   map[Query]*want
	last  []Query // the argument of the last Set
	round uint64
}

// want is one query of a consumer's set. Its round is that of the last Set
// that named it.
type want struct {
	watched *watched
	round   uint64
}

// Register adds a consumer. The name appears in Status.
func (w *Watcher) Register(consumer string) *Wants {
	return &Wants{
		watcher:  w,
		consumer: consumer,
		changed:  make(chan struct{}, 1),
		set:      make(map[Query]*want),
	}
}

// Set replaces the whole set of queries the consumer wants. What nobody wants
// any more is cancelled and forgotten. It may be called before Run, and often:
// the same queries in the same order cost next to nothing, a similar set one
// look-up per query. Changed is signalled if an added query is already
// answered, for another consumer's sake.
func (c *Wants) Set(queries ...Query) {
	w := c.watcher
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.Equal(c.last, queries) {
		return
	}
	c.last = append(c.last[:0], queries...)
	clear(c.last[len(c.last):cap(c.last)])

	c.round++
	before := len(w.watched)
	added, answered := false, false
	for _, q := range queries {
		if have := c.set[q]; have != nil {
			have.round = c.round
			continue
		}
		m := w.want(q, c)
		c.set[q] = &want{watched: m, round: c.round}
		added = true
		answered = answered || m.entry.Known || m.entry.Err != nil
	}
	for q, have := range c.set {
		if have.round != c.round {
			delete(c.set, q)
			w.unwant(have.watched, c)
		}
	}
	if added || len(w.watched) != before {
		wake(w.unplanned)
		wake(w.unpublished)
	}
	if answered {
		wake(c.changed)
	}
}

// Changed is signalled after a snapshot was published in which the value or
// the error of a query in the consumer's set changed. It holds one signal at
// most: read the newest Snapshot after each receive.
func (c *Wants) Changed() <-chan struct{} { return c.changed }

// Close gives up all wants.
func (c *Wants) Close() { c.Set() }

// want adds a consumer to a query, which begins to be watched if it was not.
// w.mu is held.
func (w *Watcher) want(q Query, c *Wants) *watched {
	m := w.watched[q]
	if m == nil {
		m = &watched{query: q, origin: w.originOf(q)}
		w.watched[q] = m
		if m.origin == nil {
			w.doubt(m, ErrUnanswerable)
		} else {
			m.origin.watched++
		}
		w.touch(m)
	}
	m.wants = append(m.wants, c)
	return m
}

// unwant removes a consumer from a query, which is forgotten with the last
// one. w.mu is held.
func (w *Watcher) unwant(m *watched, c *Wants) {
	m.wants = slices.DeleteFunc(m.wants, func(o *Wants) bool { return o == c })
	if len(m.wants) > 0 {
		return
	}
	w.setErr(m, nil, m.since) // leaves the count of failing ones
	w.release(m)
	if m.origin != nil {
		m.origin.watched--
	}
	delete(w.watched, m.query)
	w.forgotten = append(w.forgotten, m.query)
}

// originOf finds the source that answers q.
func (w *Watcher) originOf(q Query) *origin {
	for _, o := range w.origins {
		if o.source.Answers(q) {
			return o
		}
	}
	return nil
}

// wake puts a signal in a one-slot channel.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

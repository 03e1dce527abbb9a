package watch

// queue is a first-in first-out list of queries.
type queue struct {
	items []*watched
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(m *watched) {
	if q.head > len(q.items)/2 {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	q.items = append(q.items, m)
}

func (q *queue) pop() *watched {
	m := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	return m
}

// drain pops until yield returns false or the queue is empty.
func (q *queue) drain(yield func(*watched) bool) {
	for q.len() > 0 {
		if !yield(q.pop()) {
			return
		}
	}
}

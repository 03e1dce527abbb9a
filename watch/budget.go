package watch

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// connection is what a whole connection counts in a budget. A request that
// shares its connection with others counts for its part of one.
const connection = 1 << 16

// budget shares the allowed connections among requests. The plan keeps wants
// within it in the long run; the budget itself holds in every moment, also
// while one plan gives way to the next.
type budget struct {
	total int64
	used  atomic.Int64
	sem   *semaphore.Weighted
}

func newBudget(connections int) *budget {
	total := int64(connections) * connection
	return &budget{total: total, sem: semaphore.NewWeighted(total)}
}

// costOf is what one request counts on a connection with so many streams; see
// [Multiplexer].
func costOf(streams int) int64 {
	if streams <= 0 {
		return 0
	}
	return (connection + int64(streams) - 1) / int64(streams)
}

// take waits until cost is free, in the order of arrival.
func (b *budget) take(ctx context.Context, cost int64) error {
	if cost == 0 {
		return ctx.Err()
	}
	if err := b.sem.Acquire(ctx, cost); err != nil {
		return err
	}
	b.used.Add(cost)
	return nil
}

func (b *budget) give(cost int64) {
	if cost == 0 {
		return
	}
	b.used.Add(-cost)
	b.sem.Release(cost)
}

// connections is how many are taken by the requests open now, rounded up.
func (b *budget) connections() int {
	return int((b.used.Load() + connection - 1) / connection)
}

package watchtest

import (
	"fmt"

	"github.com/sluiceproxy/sluice/watch"
)

// Snapshot returns a snapshot of generation 1 in which each query is known
// with its answer. A nil answer stands for nothing of the right type; other
// answers must have the type their query asks for, or Snapshot panics.
func Snapshot(answers map[watch.Query]any) *watch.Snapshot {
	entries := make(map[watch.Query]watch.Entry, len(answers))
	for q, a := range answers {
		entries[q] = watch.Entry{Value: typed(q, a), Known: true, Version: 1}
	}
	return watch.NewSnapshot(1, entries)
}

// typed returns value if it has the type of q's answer.
func typed(q watch.Query, value any) any {
	empty := nothing(q)
	if value == nil {
		return empty
	}
	if want, got := fmt.Sprintf("%T", empty), fmt.Sprintf("%T", value); want != got {
		panic(fmt.Sprintf("watchtest: the answer to %s is a %s, not a %s", q, want, got))
	}
	return value
}

// nothing is the answer to q where there is nothing.
func nothing(q watch.Query) any {
	switch q := q.(type) {
	case watch.For[[]watch.ServiceTags]:
		return empty(q)
	case watch.For[[]watch.Instance]:
		return empty(q)
	case watch.For[*watch.Pair]:
		return empty(q)
	case watch.For[[]watch.Pair]:
		return empty(q)
	case watch.For[[]string]:
		return empty(q)
	case watch.For[[]watch.NodeInfo]:
		return empty(q)
	case watch.For[*watch.NodeServices]:
		return empty(q)
	case watch.For[*watch.Secret]:
		return empty(q)
	case watch.For[string]:
		return empty(q)
	default:
		panic(fmt.Sprintf("watchtest: unknown query type %T", q))
	}
}

func empty[A any](watch.For[A]) (a A) { return a }

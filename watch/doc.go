// Package watch keeps the answers to a changing set of questions fresh and
// hands them out as immutable snapshots.
//
// A consumer says which queries it wants, as a whole set, with [Wants.Set].
// The [Watcher] asks the [Source] that answers each of them, by blocking
// queries where the source has them, and publishes a new [Snapshot] whenever
// an answer changed. Consumers are told through a one-slot dirty flag
// ([Wants.Changed]) and always read whole state, never deltas.
//
// Errors never look like data: a query that fails keeps its last good answer
// and is marked stale, with its age and the error, until it succeeds again.
//
// What does not belong here: what the answers are used for, and anything
// about one vendor's API. Sources for Consul, files, … live in packages below
// and are the only importers of those clients.
package watch

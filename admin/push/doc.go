// Package push sends metrics to those that do not ask for them: Graphite, StatsD
// and DogStatsD, which Datadog's agent speaks; or it prints them.
//
// What is gathered is counted since the start, and these want to know what happened
// since they were told last. So a [Pusher] keeps what it last sent, and sends
// what came on top. Durations are gathered in buckets; it sends as many single
// values, bounded in number, as have the same count and the same sum and lie in
// those buckets. Nothing is queued: what could not be sent is in what is sent next.
package push

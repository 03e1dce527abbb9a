// Package lb is the load balancer: it makes routes of what services' tags ask
// for and serves requests by them.
//
// [Build] turns the instances of a snapshot, read by the dialects in package
// tags, into an immutable [Table]. The [Server] puts each new table in force by
// swapping one pointer; an [Exchange] uses the table it began with to its end.
// What must outlive tables, the backends' counters and connections, is kept by
// address in package target.
//
// What cannot be honoured is a problem of the table, and of nothing else.
package lb

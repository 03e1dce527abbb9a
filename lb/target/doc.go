// Package target holds what the load balancer knows of the backends behind it:
// one [Target] for each address, with its counters and connections, and the
// [Pool] views that routes pick from.
//
// A routing table is replaced whole at every change of the catalog. Targets
// and picking order must not start anew each time, so they live here, in a
// [Registry] that outlives the tables:
//
//   - building a table asks [Registry.Pool] for each of its pools and gets the
//     known targets back, or new ones;
//   - once the table is in force, [Registry.Replace] is told which pools came and
//     went with it, and targets that are in none any more are released: their
//     connections are closed when the last request on them has ended.
//
// What does not belong here: how a request is sent, and why a target is in a
// pool. The package imports the standard library and
// package transport only.
package target

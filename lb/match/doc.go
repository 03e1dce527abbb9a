// Package match finds the route of a request.
//
// A route is an expression over a [Request] and a [Precedence]. An [Index] of
// routes never changes; [Index.Change] makes another one of it, at a cost that
// depends on the change, and shares with it what is the same. It is looked up by
// host (exact names, then wildcards by suffix, then any) and by path (a byte
// radix tree), so that the cost depends on the request and not on the number of
// routes. What cannot be found that way (a method, a negation, a regular
// expression, …) is tested only on the routes under the host and path the
// request shares with them. A look-up takes no lock and allocates nothing.
//
// # Which route wins
//
// Routes come in two classes, and each keeps the order its users know.
//
//   - [BySpecificity] (Fabio): the more specific host pattern first, hostless
//     patterns last, then the longer path. A host whose paths do not match
//     falls through to the next one.
//   - [ByPriority] (Traefik): the higher priority first, whatever the rule;
//     equal priorities by name.
//
// When both classes have a match for one request, their two winners are
// compared by what they ask of it: an exact host beats a wildcard (a longer
// suffix beats a shorter one), a wildcard beats none; then the longer path
// beats the shorter one, and an exact path a prefix of equal length; then the
// ByPriority route wins. So a service moved from one tag language to the other
// keeps its traffic, and a catch-all of one class never hides the other.
package match

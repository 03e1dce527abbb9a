// Package tags turns the tags of a service's instances into definitions:
// what they ask the load balancer for, parsed and checked but not yet built.
//
// There is one file per dialect: Fabio's urlprefix tags, Traefik v1 frontends
// and Traefik v2/v3 routers. A tag that cannot be honoured becomes a
// [Problem] and affects no other tag, except where a dialect's contract makes
// several tags one unit. An option that is understood but would be unsafe to
// ignore (access rules, redirects, …) keeps its route out altogether.
//
// Definitions are made from all instances, healthy or not, so that a known
// route without a healthy instance is still known. Which instances get
// traffic is carried along as data.
package tags

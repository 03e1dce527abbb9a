// Package middleware makes the middlewares of routes from their specs: what is
// done to an exchange between its route and its target.
//
// A middleware is a value with one method, Serve. It changes the exchange and
// has the next handler serve it, or answers it itself; to change the answer it
// puts a [lb.Reply] of its own before the exchange's. Everything it needs it is
// given when it is made, and everything that can be wrong with its spec is
// found then. What it keeps between exchanges (limits, breakers, users) lives
// as long as its spec stays the same; see [Registry].
package middleware

package lb

import "github.com/sluiceproxy/sluice/lb/spec"

// Middleware is one step of a route's chain. It may be used by any number of
// exchanges at a time.
type Middleware interface {
	// Serve answers the exchange through x.Reply, or changes it and has next
	// serve it, once. To change the answer it puts a [Reply] of its own in the
	// place of x.Reply before.
	Serve(x *Exchange, next Handler)
}

// Middlewares makes middlewares, and keeps their state (limits, breakers)
// while nothing changes: for the same owner and an equal spec it returns the
// same middleware as long as a table uses it. It may be called from any
// goroutine.
type Middlewares interface {
	Middleware(owner string, s spec.Middleware) (Middleware, error)
}

// chained is a middleware of a route's chain, and what comes after it.
type chained struct {
	step *Step
	next Handler
}

// Serve implements [Handler].
func (c *chained) Serve(x *Exchange) {
	if x.detailed {
		defer x.trace.Step(c.step)()
	}
	c.step.middleware.Serve(x, c.next)
}

// lastHandler ends every chain. What it does, the server that runs the exchange
// knows: a table has none.
type lastHandler struct{}

// Serve implements [Handler].
func (lastHandler) Serve(x *Exchange) { x.forward.Serve(x) }

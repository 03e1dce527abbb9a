package spec

import "errors"

// Middleware is what one middleware is asked to do.
type Middleware interface {
	// Kind is what operators call it, in lower case: "stripprefix".
	Kind() string
	// Validate reports everything that keeps it from being built. A route is
	// never served without one of its middlewares.
	Validate() error
}

// Chain stands for others, in their order. It is resolved when a table is
// built.
type Chain struct {
	Middlewares []string `key:"middlewares"`
}

// Kind implements [Middleware].
func (Chain) Kind() string { return "chain" }

// Validate implements [Middleware].
func (c Chain) Validate() error {
	if len(c.Middlewares) == 0 {
		return errors.New("the chain names no middlewares")
	}
	return nil
}

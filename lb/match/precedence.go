package match

// Class is a family of routes that share one order.
type Class uint8

// The classes; see the package documentation for how they meet.
const (
	ByPriority Class = iota
	BySpecificity
	classes
)

// Precedence places a route among the others of its class.
type Precedence struct {
	Class Class
	// Priority orders ByPriority routes, higher first.
	Priority int
	// Host, Port and Path order BySpecificity routes: they are the pattern as
	// written, Host in lower case and empty for any.
	Host, Port, Path string
	// Name breaks ties.
	Name string
}

package match

// Route is one entry of an index.
type Route struct {
	Expr       Expr
	Precedence Precedence
}

// Index finds the winning route of a request among many. It is immutable.
type Index struct{}

// NewIndex builds an index. Routes are named by their position in the slice.
func NewIndex(routes []Route) *Index { return &Index{} }

// Lookup returns the position of the winning route.
func (x *Index) Lookup(r *Request) (route int, ok bool) { return 0, false }

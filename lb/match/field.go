package match

// Header holds when one of the values of a header field equals Value. The case
// of Name does not matter.
type Header struct{ Name, Value string }

// HeaderRegexp holds when one of the values of a header field matches.
type HeaderRegexp struct {
	Name    string
	Pattern *Pattern
}

// HasHeader holds when there is a header field of that name, even an empty one.
type HasHeader struct{ Name string }

// Query holds when one of the values of a query parameter equals Value, or the
// first one if First is set.
type Query struct {
	Key, Value string
	First      bool
}

// QueryRegexp holds when one of the values of a query parameter matches, or the
// first one if First is set.
type QueryRegexp struct {
	Key     string
	Pattern *Pattern
	First   bool
}

// HasQuery holds when there is a query parameter of that name, whatever its
// value.
type HasQuery struct{ Key string }

// Match implements [Expr].
func (e Header) Match(r *Request) bool {
	for i := 0; ; i++ {
		value, ok := r.header(e.Name, i)
		if !ok || value == e.Value {
			return ok
		}
	}
}

// Match implements [Expr].
func (e HeaderRegexp) Match(r *Request) bool {
	for i := 0; ; i++ {
		value, ok := r.header(e.Name, i)
		if !ok || e.Pattern.Match(value) {
			return ok
		}
	}
}

// Match implements [Expr].
func (e HasHeader) Match(r *Request) bool {
	_, ok := r.header(e.Name, 0)
	return ok
}

// Match implements [Expr].
func (e Query) Match(r *Request) bool {
	for i := 0; ; i++ {
		value, ok := r.query(e.Key, i)
		if !ok || value == e.Value {
			return ok
		}
		if e.First {
			return false
		}
	}
}

// Match implements [Expr].
func (e QueryRegexp) Match(r *Request) bool {
	for i := 0; ; i++ {
		value, ok := r.query(e.Key, i)
		if !ok || e.Pattern.Match(value) {
			return ok
		}
		if e.First {
			return false
		}
	}
}

// Match implements [Expr].
func (e HasQuery) Match(r *Request) bool {
	_, ok := r.query(e.Key, 0)
	return ok
}

func (e Header) String() string       { return call("Header", e.Name, e.Value) }
func (e HeaderRegexp) String() string { return call("HeaderRegexp", e.Name, e.Pattern.String()) }
func (e HasHeader) String() string    { return call("Header", e.Name) }
func (e HasQuery) String() string     { return call("HasQuery", e.Key) }

func (e Query) String() string {
	if e.First {
		return call("FirstQuery", e.Key, e.Value)
	}
	if e.Value == "" {
		return call("Query", e.Key)
	}
	return call("Query", e.Key, e.Value)
}

func (e QueryRegexp) String() string {
	if e.First {
		return call("FirstQueryRegexp", e.Key, e.Pattern.String())
	}
	return call("QueryRegexp", e.Key, e.Pattern.String())
}

func (r *Request) header(name string, i int) (value string, ok bool) {
	if r.Fields == nil {
		return "", false
	}
	return r.Fields.Header(name, i)
}

func (r *Request) query(key string, i int) (value string, ok bool) {
	if r.Fields == nil {
		return "", false
	}
	return r.Fields.Query(key, i)
}

package spec

// AddQuery puts parameters in front of the request's query.
type AddQuery struct {
	Query string // encoded, without a question mark
}

// Kind implements [Middleware].
func (AddQuery) Kind() string { return "addquery" }

// Validate implements [Middleware].
func (AddQuery) Validate() error { return nil }

// Unauthorized answers every request with 401: it stands for an authentication
// that is not configured.
type Unauthorized struct{}

// Kind implements [Middleware].
func (Unauthorized) Kind() string { return "unauthorized" }

// Validate implements [Middleware].
func (Unauthorized) Validate() error { return nil }

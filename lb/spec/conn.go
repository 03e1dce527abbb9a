package spec

import "errors"

// ConnAllowList closes the connections of clients that are in none of the
// ranges.
type ConnAllowList struct {
	SourceRange []string `key:"sourcerange"`
}

// Kind implements [Middleware].
func (*ConnAllowList) Kind() string { return "ipallowlist" }

// Validate implements [Middleware].
func (l *ConnAllowList) Validate() error {
	return (&IPAllowList{SourceRange: l.SourceRange}).Validate()
}

// InFlightConn bounds the connections of each client's address.
type InFlightConn struct {
	Amount int64 `key:"amount"`
}

// Kind implements [Middleware].
func (*InFlightConn) Kind() string { return "inflightconn" }

// Validate implements [Middleware].
func (f *InFlightConn) Validate() error {
	if f.Amount <= 0 {
		return errors.New("the amount must be above 0")
	}
	return nil
}

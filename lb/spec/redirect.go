package spec

import (
	"errors"
	"fmt"
	"strconv"
)

// RedirectScheme answers with the same address under another scheme and port,
// unless the request came that way. 301 for GET, 308 for others if Permanent,
// else 302 and 307.
type RedirectScheme struct {
	Scheme    string `key:"scheme"`
	Port      string `key:"port"` // empty: the scheme's own
	Permanent bool   `key:"permanent"`
	// AtListener says that Port is a listener's. What came there is served,
	// whatever port its Host names.
	AtListener bool
}

// Kind implements [Middleware].
func (RedirectScheme) Kind() string { return "redirectscheme" }

// Validate implements [Middleware].
func (r RedirectScheme) Validate() error {
	if r.Scheme == "" {
		return errors.New("the redirect has no scheme")
	}
	if n, err := strconv.ParseUint(r.Port, 10, 16); r.Port != "" && !r.AtListener && (err != nil || n == 0) {
		return fmt.Errorf("the port %q is not a number from 1 to 65535", r.Port)
	}
	return nil
}

// RedirectRegex matches Regex against scheme://host[:port]/path?query and
// answers with Replacement if it matches and the result differs.
type RedirectRegex struct {
	Regex       string `key:"regex"`
	Replacement string `key:"replacement"`
	Permanent   bool   `key:"permanent"`
}

// Kind implements [Middleware].
func (RedirectRegex) Kind() string { return "redirectregex" }

// Validate implements [Middleware].
func (r RedirectRegex) Validate() error { return checkRegexp(r.Regex) }

// Redirect answers with URL, in which $path stands for the request's path and
// $host for its Host field, as in Fabio's redirect option.
type Redirect struct {
	Code int    // 300 to 399
	URL  string // absolute
}

// Kind implements [Middleware].
func (Redirect) Kind() string { return "redirect" }

// Validate implements [Middleware].
func (r Redirect) Validate() error {
	if r.Code < 300 || r.Code > 399 {
		return fmt.Errorf("status %d is no redirect's (300 to 399)", r.Code)
	}
	return nil
}

// RedirectEntrypoint answers with the same address at another entry point, by
// its scheme and port, unless the request came there. It becomes a
// RedirectScheme when a table is built.
type RedirectEntrypoint struct {
	Entrypoint string
	Permanent  bool
}

// Kind implements [Middleware].
func (RedirectEntrypoint) Kind() string { return "redirectentrypoint" }

// Validate implements [Middleware].
func (RedirectEntrypoint) Validate() error { return nil }

package middleware

import (
	"errors"
	"net/url"
)

// origin is a URL as logs may have it: a password and parameters are for its server
// alone.
func origin(u *url.URL) string { return (&url.URL{Scheme: u.Scheme, Host: u.Host}).String() }

// withoutURL is an error of an [http.Client] without the URL that it begins with.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

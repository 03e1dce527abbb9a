package middleware

import (
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/h1"
)

// disown takes out what the client sent under a name by which the upstream is told who
// the client is, or under one that many servers take for the same: to CGI and WSGI,
// X_User is X-User. What clients say of themselves there is no proof of anything.
func disown(h *lb.Header, name string) {
	name = hyphenated(name)
	h.DelFunc(func(came string) bool { return h1.EqualNames(hyphenated(came), name) })
}

func hyphenated(name string) string { return strings.ReplaceAll(name, "_", "-") }

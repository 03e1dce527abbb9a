// Package admin serves what people and their tools want to know of a running
// sluice: whether it is alive and ready, its routes, problems, templates and
// watches, why a request would go where, and metrics.
//
// It knows nothing of the rest of the program: what it shows comes from the
// functions in [Options]. Whatever they return is turned into JSON, so they
// must not return secrets.
//
// Little can be changed through it, and not by the page of another host, but what
// it tells is not for everyone. It is meant for a loopback address or a unix socket, and answers only requests
// that name the address it listens on, so that no web page can make a browser
// read it under another name (DNS rebinding).
package admin

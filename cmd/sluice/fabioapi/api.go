// Package fabioapi is Fabio's administration, its API and its pages, for people and
// scripts that know it.
package fabioapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/watch"
)

// linkTo is where a route is found; asked is the host that the page was asked for at.
func linkTo(l config.FabioLinks, t routeTarget, asked string) string {
	host := l.Host
	if host == "" {
		host = t.Host
	}
	if host == "" {
		host = (&url.URL{Host: asked}).Hostname()
	}
	if l.Port != "" {
		host = net.JoinHostPort((&url.URL{Host: host}).Hostname(), l.Port)
	}
	return (&url.URL{Scheme: l.Scheme, Host: host, Path: t.Path}).String()
}

// Options are what the API tells of.
type Options struct {
	// Config has to say of Fabio's administration; see [config.FabioUI].
	Config   config.Config
	Version  string // of the program
	Table    func() *lb.Table
	Snapshot func() *watch.Snapshot
	Keys     Keys // nil: manual routes are not in Consul
}

// New is the administration, as the configuration says.
func New(o Options) *API {
	c := o.Config
	return &API{
		version: o.Version, ui: *c.FabioUI, config: func() any { return viewConfig(c) },
		routes: routeSet{
			prefix: c.Tags.FabioPrefix, key: strings.Trim(c.Fabio.RoutesKey, "/"), text: c.Fabio.Routes,
			table: o.Table, snapshot: o.Snapshot, keys: o.Keys,
		},
	}
}

// API answers what Fabio's administration does, in its forms, for people and
// scripts that know it.
type API struct {
	version string
	ui      config.FabioUI
	routes  routeSet
	config  func() any
}

// Owns leaves the tools the routes in the form of their own.
func (a *API) Owns(r *http.Request) bool {
	path, ok := a.below(r.URL.Path)
	switch {
	case r.URL.Path == "/health":
		return true
	case !ok:
		return false
	case path == "/api/routes":
		return r.URL.Query().Get("form") != "sluice"
	}
	return isManual(path) || slices.Contains([]string{"", "/", "/routes", "/api/version", "/api/paths", "/api/config"}, path)
}

// below is a path without that of ui.path.
func (a *API) below(path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, a.ui.Path)
	return rest, ok && (rest == "" || rest[0] == '/')
}

func isManual(path string) bool {
	_, page := manualSub(path)
	return page || strings.HasPrefix(path+"/", "/api/manual/")
}

// manualSub is the part of a key that a path stands for.
func manualSub(path string) (sub string, page bool) {
	if sub, ok := strings.CutPrefix(path, "/api/manual"); ok {
		return sub, false
	}
	sub, ok := strings.CutPrefix(path, "/manual")
	return sub, ok && (sub == "" || sub[0] == '/')
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := a.below(r.URL.Path)
	sub, page := manualSub(path)
	switch {
	case r.URL.Path == "/health":
		writeText(w, "OK\n")
	case !ok || path == "/favicon.ico":
		http.NotFound(w, r)
	case a.ui.ReadOnly && (isManual(path) || path == "/api/paths"):
		http.Error(w, "Forbidden: ui.access is ro", http.StatusForbidden)
	case page:
		a.manualPage(w, r, sub)
	case isManual(path):
		a.manual(w, r, sub)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		notAllowed(w, "GET, HEAD")
	case path == "/routes":
		a.routesPage(w, r)
	case path == "/api/routes":
		a.listRoutes(w, r)
	case path == "/api/paths":
		a.paths(w, r)
	case path == "/api/config":
		writeJSON(w, r, a.config())
	case path == "/api/version":
		writeText(w, a.version)
	default:
		http.Redirect(w, r, a.ui.Path+"/routes", http.StatusSeeOther)
	}
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	http.Error(w, "not allowed", http.StatusMethodNotAllowed)
}

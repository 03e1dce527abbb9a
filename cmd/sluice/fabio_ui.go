package main

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/admin"
	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/consul"
)

// linkTo is where a route is found; asked is the host that the page was asked for at.
func linkTo(l config.FabioLinks, t fabioTarget, asked string) string {
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

// addFabio has the admin listener answer as Fabio's, if it is the one that Fabio
// was told of.
func (d *daemon) addFabio(o *admin.Options) error {
	ui := d.config.FabioUI
	if ui == nil || ui.Listen != d.config.Admin.Listen {
		return nil
	}
	routes := fabioRoutes{
		prefix: d.config.Tags.FabioPrefix, key: strings.Trim(d.config.Fabio.RoutesKey, "/"), text: d.config.Fabio.Routes,
		table: d.lb.Table, snapshot: func() *watch.Snapshot { return d.currentFeed().watcher.Snapshot() },
	}
	keys, err := d.manualKeys()
	if err != nil {
		return err
	}
	if keys != nil {
		routes.keys = keys
	}
	o.Fabio = &fabioAPI{ui: *ui, routes: routes, config: func() any { return viewFabioConfig(d.config) }}
	return nil
}

// manualKeys is nil if manual routes are not in Consul.
func (d *daemon) manualKeys() (*consul.Keys, error) {
	c := d.config
	if c.Fabio.RoutesKey == "" || !c.AsksConsul() {
		return nil, nil
	}
	environment, err := consul.ConfigFromEnv(d.getenv)
	if err != nil {
		return nil, err
	}
	return consul.NewKeys(c.ConsulConfig(d.log).Over(environment))
}

// fabioAPI answers what Fabio's administration does, in its forms, for people and
// scripts that know it.
type fabioAPI struct {
	ui     config.FabioUI
	routes fabioRoutes
	config func() any
}

// Owns leaves the tools the routes in the form of their own.
func (a *fabioAPI) Owns(r *http.Request) bool {
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
func (a *fabioAPI) below(path string) (rest string, ok bool) {
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

func (a *fabioAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, ok := a.below(r.URL.Path)
	sub, page := manualSub(path)
	switch {
	case r.URL.Path == "/health":
		writeFabioText(w, "OK\n")
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
		writeFabioJSON(w, r, a.config())
	case path == "/api/version":
		writeFabioText(w, version)
	default:
		http.Redirect(w, r, a.ui.Path+"/routes", http.StatusSeeOther)
	}
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	http.Error(w, "not allowed", http.StatusMethodNotAllowed)
}

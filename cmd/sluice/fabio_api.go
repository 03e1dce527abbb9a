package main

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/watch"
)

// fabioAPI answers what Fabio's own API does, in its forms, for scripts that were
// written for it. Nothing can be changed by it.
type fabioAPI struct {
	closed bool   // ui.access=ro: manual routes are not shown
	prefix string // of tags that route
	key    string // of the manual routes in Consul; empty: there are none
	text   string // routes of the configuration itself

	table    func() *lb.Table
	snapshot func() *watch.Snapshot
}

// fabioAPI is nil unless sluice was started as Fabio.
func (d *daemon) fabioAPI() http.Handler {
	if d.config.fabioAccess == "" || d.lb == nil {
		return nil
	}
	return &fabioAPI{
		closed: d.config.fabioAccess == "ro", prefix: d.config.Tags.FabioPrefix, key: d.config.Fabio.RoutesKey, text: d.config.Fabio.Routes,
		table: d.lb.Table, snapshot: func() *watch.Snapshot { return d.currentFeed().watcher.Snapshot() },
	}
}

func (a *fabioAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	sub, isManual := strings.CutPrefix(r.URL.Path, "/api/manual")
	switch {
	case a.closed && (isManual || r.URL.Path == "/api/paths"):
		http.Error(w, "Forbidden: ui.access is ro", http.StatusForbidden)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET is answered here: edit manual routes in Consul's KV store, where registry.consul.kvpath says", http.StatusMethodNotAllowed)
	case isManual:
		writeFabioJSON(w, r, a.manual(sub))
	case r.URL.Path == "/api/paths":
		writeFabioJSON(w, r, a.paths())
	case r.URL.Path == "/api/version":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, version)
	default:
		a.routes(w, r)
	}
}

func (a *fabioAPI) routes(w http.ResponseWriter, r *http.Request) {
	targets := fabioTargets(a.table(), newFabioOwners(a.prefix, a.text, a.pairs(), a.snapshot()))
	if !r.URL.Query().Has("raw") {
		writeFabioJSON(w, r, targets)
		return
	}
	slices.SortStableFunc(targets, func(x, y fabioTarget) int { return strings.Compare(y.Host, x.Host) })
	var lines []string
	for _, t := range targets {
		lines = append(lines, t.command())
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, strings.Join(lines, "\n")+"\n")
}

// fabioManual is the text of one key, and the index at which it was changed.
type fabioManual struct {
	Value   string `json:"value"`
	Version string `json:"version"`
}

// manual is the key of the manual routes itself if sub is empty.
func (a *fabioAPI) manual(sub string) fabioManual {
	for _, p := range a.pairs() {
		if p.Key == a.path()+sub {
			return fabioManual{strings.TrimSpace(p.Value), strconv.FormatUint(p.ModifyIndex, 10)}
		}
	}
	return fabioManual{Version: "0"}
}

// paths are what is behind that key in the names of those below it; nil for none.
func (a *fabioAPI) paths() (all []string) {
	for _, p := range a.pairs() {
		all = append(all, strings.TrimPrefix(p.Key, a.path()))
	}
	return all
}

func (a *fabioAPI) path() string { return strings.Trim(a.key, "/") }

// pairs are the keys with manual routes, by name.
func (a *fabioAPI) pairs() (pairs []watch.Pair) {
	if a.key == "" {
		return nil
	}
	for q, entry := range a.snapshot().All {
		prefix, ok := q.(watch.Prefix)
		if !ok || strings.Trim(prefix.Path, "/") != a.path() {
			continue
		}
		all, _ := entry.Value.([]watch.Pair)
		for _, p := range all {
			if p.Key == a.path() || strings.HasPrefix(p.Key, a.path()+"/") {
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortFunc(pairs, func(x, y watch.Pair) int { return strings.Compare(x.Key, y.Key) })
	return pairs
}

func writeFabioJSON(w http.ResponseWriter, r *http.Request, value any) {
	text, err := json.Marshal(value)
	if r.URL.Query().Has("pretty") {
		text, err = json.MarshalIndent(value, "", "    ")
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(text)
}

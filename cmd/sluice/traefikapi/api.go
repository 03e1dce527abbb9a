// Package traefikapi answers what Traefik's API does.
package traefikapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/config"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/certs"
)

// api answers what Traefik's own API does, in its forms, for scripts and
// pages that were written for it: https://doc.traefik.io/traefik/reference/install-configuration/api-dashboard/.
// Nothing can be changed by it.
type api struct {
	config  config.Config
	b       *lb.Server
	version string
	logs    bool // whether there is an access log
	started time.Time
}

// New is the API of a load balancer, which has an access log or not.
func New(c config.Config, version string, server *lb.Server, logs bool) http.Handler {
	return &api{c, server, version, logs, time.Now()}
}

// ServeHTTP implements [http.Handler].
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, _ := strings.CutPrefix(r.URL.EscapedPath(), "/api/")
	parts := strings.Split(path, "/")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "only GET is answered here")
	case path == "version":
		write(w, map[string]any{"Version": a.version, "Codename": config.Program, "startDate": a.started.UTC()})
	case path == "overview":
		write(w, a.overview(a.model()))
	case path == "rawdata":
		write(w, rawData(a.model()))
	case path == "entrypoints":
		writeList(w, r, a.entrypoints())
	case parts[0] == "entrypoints" && len(parts) == 2:
		i := slices.IndexFunc(a.entrypoints(), func(e map[string]any) bool { return e["name"] == unescaped(parts[1]) })
		if i < 0 {
			writeError(w, http.StatusNotFound, "entry point not found: "+unescaped(parts[1]))
			return
		}
		write(w, a.entrypoints()[i])
	default:
		a.objects(w, r, parts)
	}
}

// objects answers for PROTOCOL/KIND and PROTOCOL/KIND/NAME.
func (a *api) objects(w http.ResponseWriter, r *http.Request, parts []string) {
	if len(parts) < 2 || len(parts) > 3 {
		writeError(w, http.StatusNotFound, "there is no "+r.URL.Path)
		return
	}
	of, ok := a.model().of[parts[0]]
	kinds := map[string]map[string]*object{"routers": of.routers, "services": of.services, "middlewares": of.middlewares}
	if parts[0] == "udp" {
		delete(kinds, "middlewares")
	}
	objects, known := kinds[parts[1]]
	if !ok || !known {
		writeError(w, http.StatusNotFound, "there is no "+r.URL.Path)
		return
	}
	if len(parts) == 3 {
		name := unescaped(parts[2])
		if o := objects[name]; o != nil {
			write(w, o.whole())
			return
		}
		writeError(w, http.StatusNotFound, strings.TrimSuffix(parts[1], "s")+" not found: "+name)
		return
	}
	list := []map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if objects[name].isWanted(name, r.URL.Query()) {
			list = append(list, objects[name].whole())
		}
	}
	writeList(w, r, list)
}

func unescaped(part string) string {
	if name, err := url.PathUnescape(part); err == nil {
		return name
	}
	return part
}

// isWanted reports whether an object is one of those that are asked for.
func (o *object) isWanted(name string, asked url.Values) bool {
	status, search, middleware := asked.Get("status"), strings.ToLower(asked.Get("search")), asked.Get("middlewareName")
	service, _, _ := strings.Cut(asked.Get("serviceName"), "@")
	if strings.Contains(o.service, "@") {
		service = asked.Get("serviceName")
	}
	return (status == "" || strings.EqualFold(o.status, status)) &&
		(search == "" || strings.Contains(strings.ToLower(name), search) || strings.Contains(strings.ToLower(o.rule), search)) &&
		(service == "" || service == o.service) &&
		(middleware == "" || slices.Contains(o.middlewares, middleware))
}

// writeList writes one page of a list, and which is the next: 1 behind the last.
func writeList(w http.ResponseWriter, r *http.Request, all []map[string]any) {
	page, perPage := 1, 100
	for key, into := range map[string]*int{"page": &page, "per_page": &perPage} {
		text := r.URL.Query().Get(key)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 || n > 1<<20 {
			writeError(w, http.StatusBadRequest, fmt.Sprintf("invalid request: %s: %s", key, text))
			return
		}
		*into = n
	}
	first := (page - 1) * perPage
	if first > 0 && first >= len(all) {
		writeError(w, http.StatusBadRequest, fmt.Sprintf("invalid request: page: %d, per_page: %d", page, perPage))
		return
	}
	last, next := min(first+perPage, len(all)), 1
	if last < len(all) {
		next = page + 1
	}
	w.Header().Set("X-Next-Page", strconv.Itoa(next))
	write(w, all[first:last])
}

func write(w http.ResponseWriter, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		writeError(w, http.StatusInternalServerError, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}

func writeError(w http.ResponseWriter, status int, message string) {
	text, _ := json.Marshal(map[string]string{"message": message})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n'))
}

func (a *api) model() *model {
	return newModel(a.b.Definitions(), a.b.Table(), a.entrypointsOf)
}

// rawData is all there is, by kind and name.
func rawData(m *model) map[string]map[string]*object {
	raw := map[string]map[string]*object{}
	for protocol, of := range m.of {
		for kind, objects := range map[string]map[string]*object{"routers": of.routers, "services": of.services, "middlewares": of.middlewares} {
			if protocol != "http" {
				kind = protocol + strings.ToUpper(kind[:1]) + kind[1:]
			}
			if len(objects) > 0 {
				raw[kind] = objects
			}
		}
	}
	return raw
}

// section counts objects.
type section struct {
	Total    int `json:"total"`
	Warnings int `json:"warnings"`
	Errors   int `json:"errors"`
}

func sectionOf(objects map[string]*object) (s section) {
	for _, o := range objects {
		s.Total++
		switch o.status {
		case statusWarning:
			s.Warnings++
		case statusDisabled:
			s.Errors++
		}
	}
	return s
}

func (a *api) overview(m *model) map[string]any {
	tracing := ""
	if a.config.LB.Tracing.IsOn() {
		tracing = "OTLP"
	}
	all := map[string]any{
		"certificates": certificateSection(a.b.Certificates(), time.Now()),
		"features":     map[string]any{"tracing": tracing, "metrics": "Prometheus", "accessLog": a.logs},
		"providers":    []string{"ConsulCatalog"},
	}
	for protocol, of := range m.of {
		sections := map[string]section{"routers": sectionOf(of.routers), "services": sectionOf(of.services)}
		if protocol != "udp" {
			sections["middlewares"] = sectionOf(of.middlewares)
		}
		all[protocol] = sections
	}
	return all
}

// certificateSection warns of certificates that expire within a month.
func certificateSection(all []certs.Info, now time.Time) (s section) {
	const soon = 30 * 24 * time.Hour
	for _, c := range all {
		s.Total++
		switch left := c.Until.Sub(now); {
		case left < 0:
			s.Errors++
		case left < soon:
			s.Warnings++
		}
	}
	return s
}

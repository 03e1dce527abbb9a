package admin

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// endpoint is one path. Its title is for the front page. One that changes
// something is asked by POST, all others by GET.
type endpoint struct {
	path, title string
	serve       http.HandlerFunc
	changes     bool
}

// handler finds endpoints by their exact path.
type handler struct {
	version   string
	endpoints []endpoint
	fabio     Fabio        // nil: none
	traefik   http.Handler // nil: none
}

func newHandler(o Options, log *slog.Logger) *handler {
	h := &handler{version: o.Version, fabio: o.Fabio, traefik: o.Traefik}
	root := h.index
	if o.MetricsOnly {
		root = http.RedirectHandler(cmp.Or(o.MetricsPath, "/metrics"), http.StatusPermanentRedirect).ServeHTTP
	}
	h.add("/", "This page", root)
	h.add("/healthz", "Is the process alive", health)
	h.add("/health", "The same, as Fabio has it", health)
	if o.Draining != nil {
		h.add("/ping", "The same, as Traefik has it: 503 while it drains", ping(o.Draining))
	}
	if o.Ready != nil {
		h.add("/readyz", "Should requests be sent here (?format=json)", ready(o.Ready))
	}
	h.addJSON("/api/routes", "Routes and their targets", o.Routes)
	h.addJSON("/api/problems", "Tags that cannot be honoured, and why", o.Problems)
	h.addJSON("/api/templates", "Templates and what became of them", o.Templates)
	h.addJSON("/api/watches", "Queries and how fresh their answers are", o.Watches)
	h.addJSON("/api/guard", "Lost instances that are kept, because most were lost at once", o.Guard)
	if o.ReleaseGuard != nil {
		h.endpoints = append(h.endpoints, endpoint{path: "/api/guard/release", serve: release(o.ReleaseGuard), changes: true})
	}
	if o.Explain != nil {
		h.add("/api/explain", "Where a request would go, and why (?url=http://host/path&method=GET)", explain(o))
	}
	if o.Gatherer != nil {
		metrics := promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
			// One metric that cannot be shown takes none of the others away.
			ErrorHandling:       promhttp.ContinueOnError,
			MaxRequestsInFlight: 4,
			Timeout:             writeTimeout / 2,
		})
		h.add(cmp.Or(o.MetricsPath, "/metrics"), "Metrics for Prometheus", metrics.ServeHTTP)
	}
	return h
}

func (h *handler) add(path, title string, serve http.HandlerFunc) {
	h.endpoints = append(h.endpoints, endpoint{path: path, title: title, serve: serve})
}

func (h *handler) addJSON(path, title string, value func() any) {
	if value == nil {
		return
	}
	h.add(path, title, func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", value())
	})
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i := slices.IndexFunc(h.endpoints, func(e endpoint) bool { return e.path == r.URL.Path })
	if h.fabio != nil && (i < 0 || h.fabio.Owns(r)) {
		h.fabio.ServeHTTP(w, r)
		return
	}
	if h.traefik != nil && isTraefiks(r.URL.Path) {
		h.traefik.ServeHTTP(w, r)
		return
	}
	if i < 0 {
		var paths []string
		for _, e := range h.endpoints {
			paths = append(paths, e.path)
		}
		writeProblem(w, problem{
			Status: http.StatusNotFound,
			Detail: fmt.Sprintf("there is no %q", r.URL.Path),
			Paths:  paths,
		})
		return
	}
	e := h.endpoints[i]
	methods := []string{http.MethodGet, http.MethodHead}
	if e.changes {
		methods = []string{http.MethodPost}
	}
	switch {
	case !slices.Contains(methods, r.Method):
		allowed := strings.Join(methods, ", ")
		w.Header().Set("Allow", allowed)
		writeProblem(w, problem{Status: http.StatusMethodNotAllowed, Detail: "only " + allowed + " is answered here"})
	case e.changes && !isDeliberate(r):
		writeProblem(w, problem{
			Status: http.StatusForbidden,
			Detail: "this needs the header Content-Type: application/json, and must not come from a page of another host",
		})
	default:
		e.serve(w, r)
	}
}

// isTraefiks reports whether a path is of [Options.Traefik].
func isTraefiks(path string) bool {
	rest, ok := strings.CutPrefix(path, "/api/")
	first, _, _ := strings.Cut(rest, "/")
	return ok && slices.Contains([]string{"rawdata", "overview", "entrypoints", "http", "tcp", "udp", "version"}, first)
}

// release has the guard let go, and tells whether it held anything.
func release(letGo func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", map[string]bool{"released": letGo()})
	}
}

func health(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }

func ping(isDraining func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		status := http.StatusOK
		if isDraining() {
			status = http.StatusServiceUnavailable
		}
		writeText(w, status, http.StatusText(status))
	}
}

// ready answers in text, or in JSON to those who ask for it.
// A body is nobody's question: it is not read.
func ready(state func() Readiness) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		now := state()
		if r.URL.Query().Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json") {
			writeJSON(w, now.code(), "application/json", now.json())
			return
		}
		writeText(w, now.code(), now.text())
	}
}

// explain reads the question from the query: url, method (GET unless given) and
// any number of header=Name: value.
func explain(o Options) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		bad := func(detail string) {
			writeProblem(w, problem{Status: http.StatusBadRequest, Detail: detail})
		}
		query := r.URL.Query()
		url, method := query.Get("url"), query.Get("method")
		if url == "" {
			bad("the parameter url is missing, as in /api/explain?url=http://www.example.com/path")
			return
		}
		if method == "" {
			method = http.MethodGet
		}
		header := http.Header{}
		for _, line := range query["header"] {
			name, value, ok := strings.Cut(line, ":")
			if !ok || strings.TrimSpace(name) == "" {
				bad(fmt.Sprintf("the parameter header=%q is not of the form Name: value", line))
				return
			}
			header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
		}
		answer, err := o.Explain(method, url, header)
		if err != nil {
			bad(err.Error())
			return
		}
		writeJSON(w, http.StatusOK, "application/json", answer)
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

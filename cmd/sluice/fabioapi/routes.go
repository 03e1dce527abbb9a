package fabioapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/watch"
)

// routeSet are the routes of Fabio's dialect, and where manual ones are kept.
type routeSet struct {
	prefix string // of tags that route
	key    string // of the manual routes in Consul; empty: there are none
	text   string // routes of the configuration itself

	table    func() *lb.Table
	snapshot func() *watch.Snapshot
	keys     Keys // nil: there is no store to write to
}

// Keys are where manual routes are edited.
type Keys interface {
	Tree(ctx context.Context, key string) ([]watch.Pair, error)
	// CompareAndSet writes a key that was last changed at that index, 0 for a new
	// one, and reports whether it was.
	CompareAndSet(ctx context.Context, key, value string, index uint64) (bool, error)
}

func (r *routeSet) targets() []routeTarget {
	return targetsOf(r.table(), newOwners(r.prefix, r.text, r.watched(), r.snapshot()))
}

// watched are the keys with manual routes as the table has them, by name.
func (r *routeSet) watched() (pairs []watch.Pair) {
	if r.key == "" {
		return nil
	}
	for q, entry := range r.snapshot().All {
		prefix, ok := q.(watch.Prefix)
		if !ok || strings.Trim(prefix.Path, "/") != r.key {
			continue
		}
		all, _ := entry.Value.([]watch.Pair)
		for _, p := range all {
			if p.Key == r.key || strings.HasPrefix(p.Key, r.key+"/") {
				pairs = append(pairs, p)
			}
		}
	}
	slices.SortFunc(pairs, func(x, y watch.Pair) int { return strings.Compare(x.Key, y.Key) })
	return pairs
}

// kept are the same as the store has them now: who writes must not be shown what
// was there before.
func (r *routeSet) kept(ctx context.Context) ([]watch.Pair, error) {
	if r.keys == nil {
		return r.watched(), nil
	}
	return r.keys.Tree(ctx, r.key)
}

func (a *API) listRoutes(w http.ResponseWriter, r *http.Request) {
	targets := a.routes.targets()
	if !r.URL.Query().Has("raw") {
		writeJSON(w, r, targets)
		return
	}
	slices.SortStableFunc(targets, func(x, y routeTarget) int { return strings.Compare(y.Host, x.Host) })
	var lines []string
	for _, t := range targets {
		lines = append(lines, t.command())
	}
	writeText(w, strings.Join(lines, "\n")+"\n")
}

// manualText is the text of one key, and the index at which it was changed.
type manualText struct {
	Value   string `json:"value"`
	Version string `json:"version"`
}

// manual is the key of the manual routes itself if sub is empty.
func (r *routeSet) manual(pairs []watch.Pair, sub string) manualText {
	for _, p := range pairs {
		if p.Key == r.key+sub {
			return manualText{strings.TrimSpace(p.Value), strconv.FormatUint(p.ModifyIndex, 10)}
		}
	}
	return manualText{Version: "0"}
}

// errChanged is Fabio's own word for it.
var errChanged = errors.New("version mismatch")

// write is refused with errChanged if the key has another version by now.
func (r *routeSet) write(ctx context.Context, sub string, m manualText) error {
	index, err := strconv.ParseUint(cmp.Or(m.Version, "0"), 10, 64)
	if err != nil {
		return &badManualError{fmt.Errorf("the version %q is no number", m.Version)}
	}
	if r.keys == nil {
		return errChanged // as Fabio: there is nothing of any version
	}
	ok, err := r.keys.CompareAndSet(ctx, r.key+sub, strings.TrimSpace(m.Value), index)
	if err == nil && !ok {
		err = errChanged
	}
	return err
}

// badManualError says that what should be written makes no sense.
type badManualError struct{ err error }

func (e *badManualError) Error() string { return e.err.Error() }

// statusOf is that of an answer to who wanted to write.
func statusOf(err error) int {
	if _, ok := errors.AsType[*badManualError](err); ok {
		return http.StatusBadRequest
	}
	if errors.Is(err, errChanged) {
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

// maxManual is more than Consul takes for a value, in bytes, however it is encoded.
const maxManual = 4 << 20

func (a *API) manual(w http.ResponseWriter, r *http.Request, sub string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		pairs, err := a.routes.kept(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, r, a.routes.manual(pairs, sub))
	case http.MethodPut:
		if !isFromHere(w, r) {
			return
		}
		var m manualText
		err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxManual)).Decode(&m)
		if err != nil {
			err = &badManualError{fmt.Errorf(`the body is not {"value": TEXT, "version": "NUMBER"}: %w`, err)}
		} else {
			err = a.routes.write(r.Context(), sub, m)
		}
		if err != nil {
			http.Error(w, err.Error(), statusOf(err))
		}
	default:
		notAllowed(w, "GET, HEAD, PUT")
	}
}

// isFromHere refuses what a page of another host has made a browser send.
func isFromHere(w http.ResponseWriter, r *http.Request) bool {
	err := http.NewCrossOriginProtection().Check(r)
	if err != nil {
		http.Error(w, "Forbidden: "+err.Error(), http.StatusForbidden)
	}
	return err == nil
}

// paths are what is behind the key in the names of those below it; nil for none.
func (a *API) paths(w http.ResponseWriter, r *http.Request) {
	pairs, err := a.routes.kept(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	writeJSON(w, r, a.routes.subs(pairs))
}

func (r *routeSet) subs(pairs []watch.Pair) (all []string) {
	for _, p := range pairs {
		all = append(all, strings.TrimPrefix(p.Key, r.key))
	}
	return all
}

func writeText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, text)
}

func writeJSON(w http.ResponseWriter, r *http.Request, value any) {
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

package lb

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// errorPages replaces answers of some statuses by pages of another service. It
// is here and not among the other middlewares because it needs another pool.
type errorPages struct {
	spec     *spec.Errors
	statuses spec.Statuses
	rewrites []statusRewrite // those of the fewest statuses first
	pages    ending
}

type statusRewrite struct {
	of spec.Statuses
	to int
}

func newErrorPages(s *spec.Errors, pages ending) (*errorPages, error) {
	statuses, err := spec.ParseStatuses(s.Status)
	e := &errorPages{spec: s, statuses: statuses, pages: pages}
	for _, of := range slices.Sorted(maps.Keys(s.StatusRewrites)) {
		to := s.StatusRewrites[of]
		from, err1 := spec.ParseStatuses([]string{of})
		status, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || status < 200 || status > 999 {
			err = errors.Join(err, fmt.Errorf("%s=%s is no rewrite of a status, such as 418=404 or 500-599=503", of, to))
		}
		e.rewrites = append(e.rewrites, statusRewrite{from, status})
	}
	slices.SortStableFunc(e.rewrites, func(a, b statusRewrite) int { return cmp.Compare(a.of.Count(), b.of.Count()) })
	return e, err
}

// Serve implements [Middleware].
func (e *errorPages) Serve(x *Exchange, next Handler) {
	r := &replacingReply{Reply: x.Reply, statuses: e.statuses}
	was := x.Checkpoint()
	x.Reply = r
	next.Serve(x)
	x.Reply = was.Reply()
	if r.replaced == 0 || x.ctx.Err() != nil {
		return
	}
	failed := x.Outcome.Err
	if errors.Is(failed, errReplaced) {
		failed = nil // it is what was asked for
	}
	x.Rewind(was)
	e.ask(x, r.replaced)
	if x.Outcome.Err == nil {
		x.Outcome.Err = failed
	}
}

// ask has the page answer the exchange, in the place of an answer of a status.
func (e *errorPages) ask(x *Exchange, status int) {
	told := e.told(status)
	target := strings.NewReplacer(
		"{status}", strconv.Itoa(told), "{originalStatus}", strconv.Itoa(status),
		"{url}", url.QueryEscape(x.Scheme+"://"+x.Authority+x.SentPath+x.SentQuery),
	).Replace(e.spec.Query)
	path, query, ok := strings.Cut(target, "?")
	if ok {
		query = "?" + safeQuery(query)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if err := x.ReplaceRawPath(SafePath(path)); err != nil {
		x.Outcome.Err = fmt.Errorf("the path of the error page: %w", err)
		x.AnswerText(told, http.StatusText(told))
		return
	}
	if len(e.spec.RequestHeaders) > 0 {
		x.Header.DelFunc(func(name string) bool { return !hasName(e.spec.RequestHeaders, name) })
	}
	method, reply := x.Request.Method, x.Reply
	x.Request.Method, x.RawQuery, x.Body, x.Length = http.MethodGet, query, nil, 0
	x.Reply = &statusReply{reply, told}
	x.Header.Del("Content-Type")
	x.upgrade = ""
	e.pages.Serve(x)
	x.Request.Method, x.Reply = method, reply
	x.Outcome.Status = told
}

// told is the status that clients are told in the place of another.
func (e *errorPages) told(status int) int {
	for _, rewrite := range e.rewrites {
		if rewrite.of.Contain(status) {
			return rewrite.to
		}
	}
	return status
}

// replacingReply keeps answers of some statuses from the client.
type replacingReply struct {
	Reply
	statuses spec.Statuses
	unless   func() bool // not nil if it may turn out that the answer cannot be replaced
	replaced int         // the status of the answer that was kept back, or 0
}

var errReplaced = errors.New("the answer is replaced by an error page")

// Begin implements [Reply].
func (r *replacingReply) Begin(status int, h *Header, length int64) error {
	if r.statuses.Contain(status) && (r.unless == nil || !r.unless()) {
		r.replaced = status
		return errReplaced
	}
	return r.Reply.Begin(status, h, length)
}

// statusReply answers with a status of its own.
type statusReply struct {
	Reply
	status int
}

// Begin implements [Reply].
func (r *statusReply) Begin(_ int, h *Header, length int64) error {
	return r.Reply.Begin(r.status, h, length)
}

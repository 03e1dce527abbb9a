package lb

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"

	"github.com/sluiceproxy/sluice/lb/match"
)

// Question is a request as a person would put it, to be explained.
type Question struct {
	Method string
	URL    string // absolute, http or https
	Header Header
	// Entrypoint is the name of the listener asked; empty is the first by name at
	// which there is a route for the request.
	Entrypoint string
}

// Answer tells what would become of the request of a [Question].
type Answer struct {
	Explanation
	// Forwarded is the path and query the upstream would see; empty if the
	// request would not reach one.
	Forwarded string
	// Ways are those of the route's variants instead, in their order.
	Ways []Way
	// Redirect is where the client would be sent instead, if it would.
	Redirect string
	// Entrypoint is the listener that was taken; empty is any.
	Entrypoint string
}

// Way is what becomes of a request at one variant of a route.
type Way struct {
	Variant *Route
	// Forwarded is as in [Answer]. Err is why the request would be refused, or left
	// to the others.
	Forwarded string
	Err       error
}

// Ask explains a question; nothing is sent. The error tells what is wrong with
// the question.
func (t *Table) Ask(q Question) (Answer, error) {
	x, err := q.Exchange(context.Background())
	if err != nil {
		return Answer{}, err
	}
	t.enter(&x.Request)
	a := Answer{Explanation: t.Explain(&x.Request), Entrypoint: x.Request.Entrypoint}
	if a.Route == nil {
		return a, nil
	}
	x.Route = a.Route
	if to, ok := a.Route.SlashRedirect(x.Request.Path); ok {
		a.Redirect = slashTarget(x, to)
		return a, nil
	}
	was, ways := *x, a.Route.ways(&x.Request)
	forwarded, err := x.preview(a.Route.Steps)
	if err != nil {
		return a, err
	}
	for _, v := range ways {
		one := *x
		if a.Route.variants.rules {
			one = was // each has all steps
		}
		w := Way{Variant: v}
		if w.Forwarded, w.Err = one.preview(v.Steps); w.Err == nil && !v.applies(&x.Request) {
			w.Err = errors.New("not for this request, which is where the redirect leads")
		}
		a.Ways = append(a.Ways, w)
	}
	if a.Ways == nil {
		a.Forwarded = forwarded
	}
	return a, nil
}

// preview is the path and query that are left of the request after the steps.
func (x *Exchange) preview(steps []Step) (forwarded string, err error) {
	for _, step := range steps {
		if p, ok := step.middleware.(Previewer); ok {
			if err := p.Preview(x); err != nil {
				return "", fmt.Errorf("the request would be refused: %w", err)
			}
		}
	}
	return x.RawPath + x.RawQuery, nil
}

// enter has a request come in at the first listener where there is a route for
// it, unless it says where.
func (t *Table) enter(r *match.Request) {
	if r.Entrypoint != "" || t.index.Lookup(r) != nil {
		return
	}
	var names []string
	for _, route := range t.routes {
		names = append(names, route.Entrypoints...)
	}
	slices.Sort(names)
	for _, r.Entrypoint = range slices.Compact(names) {
		if t.index.Lookup(r) != nil {
			return
		}
	}
	r.Entrypoint = ""
}

// Exchange is the one such a request would be, as far as routing and middlewares
// go. It has no [Reply], and takes over the question's header.
func (q Question) Exchange(ctx context.Context) (*Exchange, error) {
	scheme, authority, err := q.target()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", q.URL, err)
	}
	if q.Header.Has("Host") { // as curl -H has it
		authority = q.Header.Get("Host")
		q.Header.Del("Host")
	}
	host, port, err := parseHost(authority)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", authority, err)
	}
	x := &Exchange{Scheme: scheme, Authority: authority, Header: q.Header, ctx: ctx}
	name, _, _ := strings.Cut(authority, ":")
	x.Request = match.Request{
		Host:   host,
		Port:   port,
		Dotted: strings.HasSuffix(name, "."),
		Method: q.Method,
		TLS:    scheme == "https",
		Remote: netip.AddrFrom4([4]byte{127, 0, 0, 1}),
		Fields: fields{x},

		Entrypoint: q.Entrypoint,
	}
	sent := pathOfAbsolute(q.URL)
	if query := strings.IndexByte(sent, '?'); query >= 0 {
		x.RawQuery, sent = sent[query:], sent[:query]
	}
	x.SentPath, x.SentQuery = sent, x.RawQuery
	path, raw, err := cleanPath(sent)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", q.URL, err)
	}
	x.setPath(path, raw)
	return x, nil
}

// target is what the URL says of where the request goes, with what people write
// there that requests do not have told by its name.
func (q *Question) target() (scheme, authority string, err error) {
	scheme, rest, ok := strings.Cut(q.URL, "://")
	scheme = strings.ToLower(scheme)
	if !ok || scheme != "http" && scheme != "https" {
		text := "it is not an absolute URL, such as http://www.example.com/path"
		if guess := "http://" + q.URL; !strings.Contains(q.URL, "://") && parsesAsHost(guess) {
			text += "; did you mean " + guess + "?"
		}
		return "", "", errors.New(text)
	}
	authority = rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	switch {
	case !httpguts.ValidHeaderFieldName(q.Method): // which are tokens, too
		return "", "", fmt.Errorf("%q is no method", q.Method)
	case authority == "":
		return "", "", errors.New("it names no host")
	case strings.Contains(authority, "@"):
		return "", "", errors.New("a password is never sent in the URL: leave it out, and give the header Authorization if rules ask for it")
	case strings.Contains(rest, "#"):
		return "", "", errors.New("a fragment (#…) is never sent to a server: leave it out")
	case strings.ContainsFunc(authority, func(r rune) bool { return r > unicode.MaxASCII }):
		name, _, _ := strings.Cut(authority, ":")
		if ascii, err := idna.Lookup.ToASCII(name); err == nil {
			return "", "", fmt.Errorf("clients send this host as %s: write that", ascii)
		}
	}
	return scheme, authority, nil
}

// parsesAsHost reports whether a URL begins with what looks like a name.
func parsesAsHost(guess string) bool {
	q := Question{Method: "GET", URL: guess}
	_, authority, err := q.target()
	name, port, err2 := parseHost(authority)
	return err == nil && err2 == nil && (port > 0 || strings.Contains(name, "."))
}

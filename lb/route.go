package lb

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// Serve implements [Handler]: it finds the exchange's route and hands it on.
func (s *Server) Serve(x *Exchange) {
	x.Table = s.table.Load()
	if x.Table == nil {
		x.AnswerText(http.StatusServiceUnavailable, "503 the service catalog has not been read yet")
		return
	}
	if x.isMisdirected() {
		x.answerMisdirected()
		return
	}
	s.dropForged(x)
	route, ok := x.Table.Lookup(&x.Request)
	if !ok {
		s.answerNoRoute(x)
		return
	}
	x.Route = route
	s.routeTrace(x)
	if isDisguised(x) {
		x.AnswerText(http.StatusBadRequest, "400 bad request")
		return
	}
	if to, ok := route.SlashRedirect(x.Request.Path); ok {
		x.Redirect(http.StatusMovedPermanently, slashTarget(x, to))
		return
	}
	x.upgrade = upgradeAsked(x)
	if x.Trailer != nil && x.announced == "" {
		x.announced = strings.Clone(x.Header.Get("Trailer"))
	}
	dropConnectionFields(&x.Header)
	s.setForwarding(x)
	x.forward = forwarder{s}
	route.handler.Serve(x)
}

// answerNoRoute answers with the page for requests without a route.
func (s *Server) answerNoRoute(x *Exchange) {
	status := cmp.Or(s.options.NoRouteStatus, http.StatusNotFound)
	p := x.Table.noRoute
	switch {
	case x.isCall():
		x.answerCall(status, callNotFound, "no route found")
		return
	case p.empty:
		x.Answer(status, &Header{}, "")
		return
	case p.text == "":
		text := http.StatusText(status)
		if status == http.StatusNotFound {
			text = "page not found"
		}
		x.AnswerText(status, strings.TrimSpace(fmt.Sprintf("%d %s", status, strings.ToLower(text))))
		return
	}
	h := &Header{}
	h.Add("Content-Type", p.contentType)
	x.Answer(status, h, p.text)
}

// isDisguised reports whether the request got round a route by encoding a
// separator. Rules on the routing path do not take "%2F" for a slash, but the
// upstream may: a path that would belong to a route of higher rank if it were
// decoded is not let through to one of lower rank.
func isDisguised(x *Exchange) bool {
	if x.Request.RoutingPath == x.Request.Path {
		return false
	}
	decoded := x.Request
	decoded.RoutingPath = decoded.Path
	other, ok := x.Table.Lookup(&decoded)
	if !ok || other == x.Route {
		return false
	}
	was, is := other.Precedence, x.Route.Precedence
	return was.Class != match.ByPriority || is.Class != match.ByPriority || was.Priority > is.Priority
}

// slashTarget is the request's target with the slash at the end of its path as
// to has it.
func slashTarget(x *Exchange, to string) string {
	raw := strings.TrimRight(x.RawPath, "/")
	if raw == "" || strings.HasSuffix(to, "/") {
		raw += "/"
	}
	return raw + x.RawQuery
}

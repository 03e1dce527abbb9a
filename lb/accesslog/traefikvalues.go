package accesslog

import (
	"cmp"
	"strconv"
	"strings"
	"sync/atomic"
)

// Values as Traefik has them.
var (
	// clientHost is whoever a proxy that is believed speaks for.
	clientHost = value{word: func(e *Entry) string { return e.ForwardedFor }, plain: remoteHost.plain}
	// claimedUser is who the client says it is: tools that count failed logins go
	// by it.
	claimedUser = one(func(e *Entry) string { return cmp.Or(e.User, e.Claimed) })

	requestPath = value{text: func(e *Entry) words { return words{cmp.Or(e.CleanPath, e.Path), e.Query} }}
	// pathOrLine is what was asked for, understood or not.
	pathOrLine = value{text: func(e *Entry) words {
		if e.Method == "" {
			return words{e.Line}
		}
		return requestPath.text(e)
	}}
	// requestHost keeps the brackets of an address without a port.
	requestHost = one(func(e *Entry) string {
		if host, port := splitHost(e.Authority); port != "" {
			return host
		}
		return e.Authority
	})

	routeProvider   = value{text: func(e *Entry) words { return withProvider(e.Route, e.Dialect) }}
	serviceProvider = value{text: func(e *Entry) words {
		if e.TargetAddress == "" {
			return words{}
		}
		for _, dialect := range [...]string{dialectTraefik, dialectFile} {
			if name, ok := strings.CutSuffix(e.Pool, "@"+dialect); ok {
				return withProvider(strings.TrimPrefix(name, ownPool), dialect)
			}
		}
		return withProvider(e.Service, e.Dialect)
	}}
	// frontendName and backendName are those of Traefik 1.
	frontendName = one(func(e *Entry) string { return strings.TrimPrefix(e.Route, "frontend-") })
	backendName  = one(func(e *Entry) string {
		name, _, _ := strings.Cut(e.Pool, "@")
		return name
	})

	// gzipRatio is by how much middlewares have made the answer smaller.
	gzipRatio = value{number: true, plain: func(dst []byte, e *Entry) []byte {
		origin := originSize(e)
		if e.Sent == 0 || e.Sent == origin {
			return dst
		}
		return strconv.AppendFloat(dst, float64(origin)/float64(e.Sent), 'f', -1, 64)
	}}
)

const (
	dialectTraefik, dialectFile = "traefik", "file"
	// ownPool is what comes before the name of a route whose pool has no other name.
	ownPool = "route "
)

// withProvider is how Traefik names what comes from its Consul catalog, and what
// other dialects have made likewise.
func withProvider(name, dialect string) words {
	switch {
	case name == "":
		return words{}
	case dialect == dialectTraefik:
		return words{name, "@consulcatalog"}
	}
	return words{name, "@", dialect}
}

// originStatus is that of the target, or what is answered in its place; 0 if none
// was asked.
func originStatus(e *Entry) int64 {
	if e.TargetStatus == 0 && e.TargetAddress != "" {
		return int64(e.Status)
	}
	return int64(e.TargetStatus)
}

// originSize is the same of the body, in bytes.
func originSize(e *Entry) int64 {
	if e.TargetStatus == 0 && e.TargetAddress != "" {
		return e.Sent
	}
	return e.TargetSent
}

// orDash is a value that is "-" when there is none.
func orDash(v value) value {
	return one(func(e *Entry) string { return cmp.Or(v.word(e), "-") })
}

// counter numbers the lines.
func counter(requests *atomic.Int64) value {
	return value{number: true, plain: func(dst []byte, _ *Entry) []byte {
		return strconv.AppendInt(dst, requests.Add(1), 10)
	}}
}

// traefikRequest is the header of a request as Traefik shows it: as it is passed
// on, but for what concerns a single connection, and without its own address behind
// those a proxy speaks for.
type traefikRequest struct{ of *Entry }

const forwardedForField = "X-Forwarded-For"

// Len implements [Header].
func (t traefikRequest) Len() int {
	if t.of.Forwarded == nil {
		return 0
	}
	return t.of.Forwarded.Len() + 1
}

// Line implements [Header]. The last line is that of X-Forwarded-For; without a name
// one is not shown.
func (t traefikRequest) Line(i int) (name, text string) {
	if i == t.of.Forwarded.Len() {
		if t.of.ForwardedFor == "" {
			return "", ""
		}
		return forwardedForField, t.of.ForwardedFor
	}
	name, text = t.of.Forwarded.Line(i)
	for _, hidden := range [...]string{forwardedForField, "Host", "Connection"} {
		if strings.EqualFold(name, hidden) {
			return "", ""
		}
	}
	return name, text
}

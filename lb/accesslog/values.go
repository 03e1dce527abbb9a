package accesslog

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The values there are, whatever a format calls them.
var (
	remoteAddr = plain(func(dst []byte, e *Entry) []byte { return appendAddrPort(dst, e.Remote) })
	remoteHost = plain(func(dst []byte, e *Entry) []byte { return appendHost(dst, e.Remote) })
	remotePort = plain(func(dst []byte, e *Entry) []byte { return appendPort(dst, e.Remote) })
	user       = one(func(e *Entry) string { return e.User })
	entrypoint = one(func(e *Entry) string { return e.Entrypoint })

	request = value{spaced: true, text: func(e *Entry) words {
		if e.Method == "" {
			return words{e.Line}
		}
		return words{e.Method, " ", e.Path, e.Query, " ", e.Protocol}
	}}
	line     = one(func(e *Entry) string { return e.Line })
	method   = one(func(e *Entry) string { return e.Method })
	scheme   = one(func(e *Entry) string { return e.Scheme })
	protocol = one(func(e *Entry) string { return e.Protocol })
	path     = one(func(e *Entry) string { return e.Path })
	query    = one(func(e *Entry) string { return strings.TrimPrefix(e.Query, "?") })
	uri      = value{text: func(e *Entry) words { return words{e.Path, e.Query} }}
	url      = value{text: func(e *Entry) words {
		if e.Authority == "" {
			return words{e.Path, e.Query}
		}
		return words{e.Scheme, "://", e.Authority, e.Path, e.Query}
	}}
	authority     = one(func(e *Entry) string { return e.Authority })
	authorityPort = one(func(e *Entry) string { _, port := splitHost(e.Authority); return port })
	userAgent     = value{header: "User-Agent"}
	referer       = value{header: "Referer"}

	status        = count(func(e *Entry) int64 { return int64(e.Status) })
	sent          = number(func(e *Entry) int64 { return e.Sent })
	received      = number(func(e *Entry) int64 { return e.Received })
	truncated     = literal("true", func(e *Entry) bool { return e.Truncated })
	durationNanos = number(func(e *Entry) int64 { return int64(e.Duration) })
	durationText  = plain(func(dst []byte, e *Entry) []byte {
		return append(strconv.AppendInt(dst, e.Duration.Milliseconds(), 10), "ms"...)
	})
	failure = one(func(e *Entry) string {
		if e.Err == nil {
			return ""
		}
		return e.Err.Error()
	})

	route          = one(func(e *Entry) string { return e.Route })
	dialect        = one(func(e *Entry) string { return e.Dialect })
	service        = one(func(e *Entry) string { return e.Service })
	traceID        = one(func(e *Entry) string { return e.TraceID })
	spanID         = one(func(e *Entry) string { return e.SpanID })
	targetAddress  = one(func(e *Entry) string { return e.TargetAddress })
	targetHost     = one(func(e *Entry) string { host, _ := splitHost(e.TargetAddress); return host })
	targetPort     = one(func(e *Entry) string { _, port := splitHost(e.TargetAddress); return port })
	targetScheme   = one(func(e *Entry) string { return e.TargetScheme })
	targetServer   = value{text: func(e *Entry) words { return targetURL(e, "", "") }}
	targetURI      = value{text: func(e *Entry) words { return words{e.TargetPath, e.TargetQuery} }}
	targetFullURL  = value{text: func(e *Entry) words { return targetURL(e, e.TargetPath, e.TargetQuery) }}
	targetPath     = one(func(e *Entry) string { return e.TargetPath })
	targetStatus   = count(func(e *Entry) int64 { return int64(e.TargetStatus) })
	targetWaitMs   = value{number: true, plain: func(dst []byte, e *Entry) []byte { return appendMillis(dst, e.TargetWait) }}
	targetTookMs   = value{number: true, plain: func(dst []byte, e *Entry) []byte { return appendMillis(dst, e.TargetTook) }}
	tries          = number(func(e *Entry) int64 { return int64(e.Tries) })
	retries        = number(func(e *Entry) int64 { return int64(e.Retries) })
	targetOverhead = number(func(e *Entry) int64 { return int64(e.Duration - e.TargetTook) })

	tlsVersion = one(func(e *Entry) string {
		if e.TLS == nil {
			return ""
		}
		return strings.TrimPrefix(tls.VersionName(e.TLS.Version), "TLS ")
	})
	tlsCipher = one(func(e *Entry) string {
		if e.TLS == nil {
			return ""
		}
		return cipherNames[e.TLS.CipherSuite]
	})
	tlsSubject = one(func(e *Entry) string {
		if e.TLS == nil || len(e.TLS.PeerCertificates) == 0 {
			return ""
		}
		return e.TLS.PeerCertificates[0].Subject.String()
	})
)

// cipherNames is tls.CipherSuiteName, which allocates.
var cipherNames = func() map[uint16]string {
	names := map[uint16]string{}
	for _, suite := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
		names[suite.ID] = suite.Name
	}
	return names
}()

// clfTime is the layout of the common log format.
const clfTime = "02/Jan/2006:15:04:05 -0700"

func plain(f func(dst []byte, e *Entry) []byte) value { return value{plain: f} }

// number is a value that is always there.
func number(get func(e *Entry) int64) value {
	return value{number: true, plain: func(dst []byte, e *Entry) []byte { return strconv.AppendInt(dst, get(e), 10) }}
}

// count is a number that is not known if it is 0.
func count(get func(e *Entry) int64) value {
	return value{number: true, plain: func(dst []byte, e *Entry) []byte {
		if n := get(e); n != 0 {
			return strconv.AppendInt(dst, n, 10)
		}
		return dst
	}}
}

// literal is a JSON literal that is there on a condition.
func literal(text string, is func(e *Entry) bool) value {
	return value{number: true, plain: func(dst []byte, e *Entry) []byte {
		if is(e) {
			return append(dst, text...)
		}
		return dst
	}}
}

func startLocal(layout string) value {
	return plain(func(dst []byte, e *Entry) []byte { return e.Start.Local().AppendFormat(dst, layout) })
}

func startUTC(layout string) value {
	return plain(func(dst []byte, e *Entry) []byte { return e.Start.UTC().AppendFormat(dst, layout) })
}

// seconds is the duration in seconds with so many decimals.
func seconds(decimals int) value {
	return value{number: true, plain: func(dst []byte, e *Entry) []byte {
		return appendDecimal(dst, int64(e.Duration), 9, decimals)
	}}
}

// appendMillis appends milliseconds with three decimals, or nothing for 0.
func appendMillis(dst []byte, d time.Duration) []byte {
	if d == 0 {
		return dst
	}
	return appendDecimal(dst, int64(d), 6, 3)
}

// appendDecimal appends n/10^scale with so many decimals, cutting the rest off.
func appendDecimal(dst []byte, n int64, scale, decimals int) []byte {
	n = max(0, n) // a clock may go back
	for ; scale > decimals; scale-- {
		n /= 10
	}
	unit := int64(1)
	for range scale {
		unit *= 10
	}
	dst = strconv.AppendInt(dst, n/unit, 10)
	at := len(dst)
	// A one in front of the decimals keeps their zeros, until the point takes its place.
	dst = strconv.AppendInt(dst, unit+n%unit, 10)
	dst[at] = '.'
	return dst
}

func appendAddrPort(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return dst
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).AppendTo(dst)
}

func appendHost(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return dst
	}
	return a.Addr().Unmap().WithZone("").AppendTo(dst)
}

func appendPort(dst []byte, a netip.AddrPort) []byte {
	if !a.IsValid() {
		return dst
	}
	return strconv.AppendUint(dst, uint64(a.Port()), 10)
}

// splitHost takes host and port apart, without the brackets of an IPv6 address;
// what has no port is all host.
func splitHost(address string) (host, port string) {
	if !strings.Contains(address, ":") || strings.HasSuffix(address, "]") {
		return strings.Trim(address, "[]"), ""
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address, ""
	}
	return host, port
}

func targetURL(e *Entry, path, query string) words {
	if e.TargetAddress == "" {
		return words{}
	}
	return words{e.TargetScheme, "://", e.TargetAddress, path, query}
}

package tags

import (
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// The syntaxes of rules of TCP routers.
const (
	syntaxTCP   syntax = "tcp v3"
	syntaxTCPV2 syntax = "tcp v2"
)

// tcpMatchers are those of the v3 syntax. The server name a client asks for is
// the host of these rules.
var tcpMatchers = []ruleMatcher{
	{"HostSNI", 1, 1, each(buildHostSNI)},
	{"HostSNIRegexp", 1, 1, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Regexp(arg))
		return match.HostRegexp{Pattern: pattern}, fault
	})},
	{"ClientIP", 1, 1, each(buildClientIP)},
	{"ALPN", 1, 1, each(buildALPN)},
}

// tcpMatchersV2 are those of the v2 syntax.
var tcpMatchersV2 = []ruleMatcher{
	{"HostSNI", 1, 0, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		if arg == "*" {
			return match.HostWildcard{}, nil
		}
		return buildHostV2(p, arg)
	})},
	{"HostSNIRegexp", 1, 0, each(func(p *match.Patterns, arg string) (match.Expr, *argFault) {
		pattern, fault := compiled(p.Host(arg))
		return match.HostRegexp{Pattern: pattern}, fault
	})},
	{"ClientIP", 1, 0, each(buildClientIP)},
	{"ALPN", 1, 0, each(buildALPN)},
}

// buildHostSNI also takes "*.example.com", for one label more, and "*" for any
// name or none.
func buildHostSNI(p *match.Patterns, arg string) (match.Expr, *argFault) {
	if strings.ContainsAny(arg, ":/ ") {
		return nil, &argFault{reason: "a server name has no port, slash or blank"}
	}
	return buildHost(p, arg)
}

func buildALPN(_ *match.Patterns, arg string) (match.Expr, *argFault) {
	if arg == "acme-tls/1" {
		return nil, &argFault{reason: "the protocol acme-tls/1 is not for routes"}
	}
	return match.ALPN{Protocol: arg}, nil
}

package lb

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

var errHost = errors.New("the host is not a name or address with an optional port from 1 to 65535")

// parseHost takes an authority apart (RFC 3986 §3.2 without user information):
// the host in lower case without a trailing dot and, for IPv6, with its
// brackets; the port, or 0 without one. An empty authority is an empty host.
func parseHost(authority string) (host string, port uint16, err error) {
	host = authority
	end := strings.LastIndexByte(authority, ':')
	if end > strings.LastIndexByte(authority, ']') {
		n, err := strconv.ParseUint(authority[end+1:], 10, 16)
		if err != nil || n == 0 || authority[end+1] == '+' {
			return "", 0, errHost
		}
		host, port = authority[:end], uint16(n)
		if host == "" {
			return "", 0, errHost
		}
	}
	if strings.HasPrefix(host, "[") {
		ip, err := netip.ParseAddr(strings.TrimSuffix(host[1:], "]"))
		if err != nil || !ip.Is6() || ip.Zone() != "" || !strings.HasSuffix(host, "]") {
			return "", 0, errHost
		}
		return strings.ToLower(host), port, nil
	}
	for i := range len(host) {
		if !isHostByte(host[i]) {
			return "", 0, errHost
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, ".")), port, nil
}

func isHostByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= lower(c) && lower(c) <= 'z' || c == '-' || c == '.' || c == '_' || c == '~'
}

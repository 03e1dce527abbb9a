package haproxy

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// server is a line of a configuration, with what its section says of all
// servers put before it.
type server struct {
	address  string
	options  []string // all but weight and state
	weight   int
	disabled bool
	// at is the address, and invalid if that is none of an IP and a port.
	at netip.AddrPort
	// plain is set when every word means itself, in the file and on the socket.
	plain bool
}

// plainWord has neither what quotes or expands in a file nor what ends or feeds
// a command on the socket: data that was let into a line must not become one.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_.:/\[\]@,%+=~()-]+$`)

func newServer(k key, address string, words []string) server {
	s := server{address: address, weight: 1, plain: true}
	for _, word := range slices.Concat([]string{k.backend, k.name, address}, words) {
		s.plain = s.plain && plainWord.MatchString(word)
	}
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case word == "weight" && i+1 < len(words):
			i++
			weight, err := strconv.Atoi(words[i])
			s.weight, s.plain = weight, s.plain && err == nil
		case word == "disabled" || word == "enabled":
			s.disabled = word == "disabled"
		default:
			s.options = append(s.options, word)
		}
	}
	s.at = parseAddress(address)
	s.plain = s.plain && s.at.IsValid()
	return s
}

// parseAddress reads IP:PORT. HAProxy takes IPv6 with brackets and without: the
// last colon is the one before the port.
func parseAddress(text string) netip.AddrPort {
	colon := strings.LastIndexByte(text, ':')
	if colon < 0 {
		return netip.AddrPort{}
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text[:colon], "["), "]"))
	if err != nil || ip.Zone() != "" {
		return netip.AddrPort{}
	}
	port, err := strconv.ParseUint(text[colon+1:], 10, 16)
	if err != nil || port == 0 || text[colon+1] == '+' {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(ip, uint16(port))
}

func (s server) equal(other server) bool {
	return s.address == other.address && s.weight == other.weight && s.disabled == other.disabled &&
		slices.Equal(s.options, other.options)
}

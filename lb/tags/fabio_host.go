package tags

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb/match"
)

// neverInHost reports whether no Host field that is served has the character.
func neverInHost(c rune) bool { return c <= ' ' || c >= 0x7f }

// authority is one of those a source stands for. Its port is empty, a number, or
// a pattern for those that are written.
type authority struct {
	host, port string
	// written is set if the port was in braces: then it holds for Host fields that
	// have it, of which the default port of the scheme is none.
	written bool
}

func (a authority) isPort() bool {
	if isGlob(a.port) {
		return strings.Trim(a.port, `0123456789*?[]^-\`) == ""
	}
	n, err := strconv.ParseUint(cmp.Or(a.port, "80"), 10, 16)
	return err == nil && n > 0
}

// kind is what authorities have in common whose hosts are told apart only.
func (a authority) kind(plain bool) (k hostKind) {
	k.port, k.written, k.dotted = a.port, a.written, strings.HasSuffix(a.host, ".")
	k.open = a.port == "" && strings.HasSuffix(a.host, "*") && !plain
	return k
}

// hostKind is what else is asked of the Host field. Without a port it holds for
// requests without one; if it is open, a star takes in the port as well.
type hostKind struct {
	port                  string
	written, dotted, open bool
}

func (k hostKind) match(hosts match.Or) match.And {
	all := match.And{hosts}
	if len(hosts) == 1 {
		all[0] = hosts[0]
	}
	if k.open {
		return all
	}
	if k.dotted {
		all = append(all, match.Not{X: match.Undotted{}})
	} else {
		all = append(all, match.Undotted{})
	}
	if k.port == "*" {
		return append(all, match.Not{X: match.Port{}})
	}
	if isGlob(k.port) || k.written {
		return append(all, match.PortGlob{Pattern: k.port})
	}
	port, _ := strconv.ParseUint(cmp.Or(k.port, "0"), 10, 16)
	return append(all, match.Port{Number: uint16(port)})
}

// hostMatch is the condition of a source with a host.
func (s fabioSource) hostMatch(plain bool) match.And {
	var kinds []hostKind
	hosts := map[hostKind]match.Or{}
	all, _ := s.authorities(plain)
	for _, a := range all {
		k, name := a.kind(plain), strings.TrimSuffix(a.host, ".")
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
		if plain {
			hosts[k] = append(hosts[k], match.Host{Name: name})
		} else {
			hosts[k] = append(hosts[k], hostGlob(name))
		}
	}
	if len(kinds) == 1 {
		return kinds[0].match(hosts[kinds[0]])
	}
	any := match.Or{}
	for _, k := range kinds {
		any = append(any, k.match(hosts[k]))
	}
	return match.And{any}
}

// authorities are one for each choice of the braces of the host and the port. It
// fails if a pattern is malformed.
func (s fabioSource) authorities(plain bool) (all []authority, ok bool) {
	if plain {
		return []authority{{s.host, s.port, false}}, !isGlob(s.port)
	}
	hosts, ok := globs(s.host)
	ports, also := globs(s.port)
	for _, host := range hosts {
		for _, port := range ports {
			if s.port == "" {
				host, port = cutPort(host) // of {a,b:8080}
			}
			all = append(all, authority{host, port, port != s.port})
		}
	}
	return all, ok && also && len(all) <= maxGlobs
}

// cutPort cuts at the last colon that is neither in brackets nor in braces.
func cutPort(text string) (host, port string) {
	i := strings.LastIndexByte(text, ':')
	isWithin := func(open, end byte) bool {
		return strings.LastIndexByte(text[:i], open) > strings.LastIndexByte(text[:i], end)
	}
	if i < 0 || isWithin('[', ']') || isWithin('{', '}') {
		return text, ""
	}
	return text[:i], text[i+1:]
}

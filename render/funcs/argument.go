package funcs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// A data function's argument is a name followed by marked parts, always in
// this order: name?query@dc~near|filter. Which parts a function takes differs.
const (
	markQuery  = '?'
	markDC     = '@'
	markNear   = '~'
	markFilter = '|'
)

// argument is one such text taken apart. Absent parts are empty.
type argument struct {
	name   string
	query  string
	dc     string
	near   string
	filter string
}

// parseArgument takes text apart at the marks given in their order. None of the
// marked parts can hold a mark itself, so cutting from the right is exact.
func parseArgument(text, marks string) (argument, error) {
	a := argument{name: text}
	for i := len(marks) - 1; i >= 0; i-- {
		mark := marks[i]
		at := strings.LastIndexByte(a.name, mark)
		if at < 0 {
			continue
		}
		part := a.name[at+1:]
		a.name = a.name[:at]
		if part == "" {
			return argument{}, fmt.Errorf("nothing follows %q", mark)
		}
		if bad := strings.IndexFunc(part, func(r rune) bool { return !allowedAfter(mark, r) }); bad >= 0 {
			return argument{}, fmt.Errorf("%q is not allowed after %q", part[bad:bad+1], mark)
		}
		switch mark {
		case markQuery:
			a.query = part
		case markDC:
			a.dc = part
		case markNear:
			a.near = part
		case markFilter:
			a.filter = part
		}
	}
	return a, nil
}

func allowedAfter(mark byte, r rune) bool {
	switch mark {
	case markQuery:
		return isWord(r) || strings.ContainsRune("-=&", r)
	case markFilter:
		return isWord(r) || r == ','
	default:
		return isWord(r) || r == '.' || r == '-'
	}
}

func isWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// scope reads where to ask from the query and dc parts. Of a parameter given
// twice the first counts.
func (a argument) scope() (watch.Scope, error) {
	s := watch.Scope{Datacenter: a.dc}
	for _, pair := range slices.Backward(strings.Split(a.query, "&")) {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "ns":
			s.Namespace = value
		case "partition":
			s.Partition = value
		case "peer":
			s.Peer = value
		case "sameness-group":
			s.SamenessGroup = value
		default:
			return watch.Scope{}, fmt.Errorf("unknown parameter %q (known: ns, partition, peer, sameness-group)", name)
		}
	}
	if s.Peer != "" && s.SamenessGroup != "" {
		return watch.Scope{}, fmt.Errorf("peer and sameness-group exclude each other")
	}
	return s, nil
}

// malformed is the error of a function whose argument does not parse.
func malformed(function, text, grammar string, err error) error {
	return fmt.Errorf("%s %q: %w (want %s)", function, text, err, grammar)
}

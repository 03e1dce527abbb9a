package consul

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads JSON of a known shape into a value, several times as fast as
// encoding/json. It is strict: at anything unusual (a key twice or in another
// case, a number of another kind, a syntax error, …) it sets fault, and what it
// has read is void. The caller then lets encoding/json decide, so that a
// value that was read without a fault is always the one encoding/json makes.
//
// Its methods read one value each and leave what they are given as it is where
// that is null. The zero value with data reads data.
type scanner struct {
	data  []byte
	at    int
	depth int
	fault bool

	seed  maphash.Seed
	known []string // strings read before, by hash
}

const (
	maxDepth   = 64   // of values that are skipped
	knownSlots = 1024 // of strings read before
	maxKnown   = 64   // bytes of a string worth remembering
	longAnswer = 64 << 10
)

// newScanner makes one for a whole answer. In long ones equal short strings
// share memory.
func newScanner(data []byte) *scanner {
	s := &scanner{data: data}
	if len(data) >= longAnswer {
		s.seed, s.known = maphash.MakeSeed(), make([]string, knownSlots)
	}
	return s
}

// end reports whether all was read, and without a fault.
func (s *scanner) end() bool { return s.peek() == 0 && s.at == len(s.data) && !s.fault }

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\n', '\r', '\t':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// take skips c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.fault = true
	}
}

func (s *scanner) null() bool { return s.peek() == 'n' && s.literal("null") }

func (s *scanner) literal(word string) bool {
	if !bytes.HasPrefix(s.data[s.at:], []byte(word)) {
		s.fault = true
		return false
	}
	s.at += len(word)
	return true
}

// object calls member with each key; member reads the value.
func (s *scanner) object(member func(key []byte)) {
	if s.null() {
		return
	}
	s.expect('{')
	if s.fault || s.take('}') {
		return
	}
	for !s.fault {
		s.peek()
		key, plain := s.quoted()
		s.expect(':')
		if !plain {
			s.fault = true
		}
		if s.fault {
			return
		}
		member(key)
		if !s.take(',') {
			s.expect('}')
			return
		}
	}
}

// array calls element before each element, which element reads.
func (s *scanner) array(element func()) {
	if s.null() {
		return
	}
	s.expect('[')
	if s.fault || s.take(']') {
		return
	}
	for !s.fault {
		element()
		if !s.take(',') {
			s.expect(']')
			return
		}
	}
}

// quoted skips a string and returns what is between its quotes; plain tells
// that it stands for itself.
func (s *scanner) quoted() (inside []byte, plain bool) {
	s.expect('"')
	if s.fault {
		return nil, false
	}
	plain = true
	start := s.at
	for s.at < len(s.data) {
		switch c := s.data[s.at]; {
		case c == '"':
			s.at++
			return s.data[start : s.at-1], plain
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			s.fault = true
			return nil, false
		case c >= utf8.RuneSelf:
			plain = false
		}
		s.at++
	}
	s.fault = true
	return nil, false
}

func (s *scanner) text(to *string) {
	if s.null() {
		return
	}
	start := s.at
	inside, plain := s.quoted()
	switch {
	case s.fault:
	case plain:
		*to = s.intern(inside)
	default:
		s.fault = json.Unmarshal(s.data[start:s.at], to) != nil
	}
}

func (s *scanner) intern(b []byte) string {
	if s.known == nil || len(b) > maxKnown {
		return string(b)
	}
	slot := &s.known[maphash.Bytes(s.seed, b)%knownSlots]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

func (s *scanner) texts(to *[]string) {
	s.fresh(*to == nil)
	if s.peek() != 'n' {
		*to = []string{}
	}
	s.array(func() {
		var text string
		s.text(&text)
		*to = append(*to, text)
	})
}

// fresh is a fault if what is about to be read was read before: encoding/json
// would merge the two.
func (s *scanner) fresh(is bool) { s.fault = s.fault || !is }

// digits skips a whole number. Others are faults: no field takes a fraction.
func (s *scanner) digits() string {
	s.peek()
	start := s.at
	if s.at < len(s.data) && s.data[s.at] == '-' {
		s.at++
	}
	first := s.at
	for s.at < len(s.data) && s.data[s.at]-'0' <= 9 {
		s.at++
	}
	if s.at == first || s.at > first+1 && s.data[first] == '0' {
		s.fault = true
	}
	if s.at < len(s.data) && strings.IndexByte(".eE", s.data[s.at]) >= 0 {
		s.fault = true
	}
	return string(s.data[start:s.at])
}

func (s *scanner) integer(to *int) {
	if s.null() {
		return
	}
	n, err := strconv.Atoi(s.digits())
	if err != nil {
		s.fault = true
	}
	*to = n
}

func (s *scanner) index(to *uint64) {
	if s.null() {
		return
	}
	n, err := strconv.ParseUint(s.digits(), 10, 64)
	if err != nil {
		s.fault = true
	}
	*to = n
}

func (s *scanner) boolean(to *bool) {
	switch s.peek() {
	case 't':
		*to = s.literal("true")
	case 'f':
		*to = !s.literal("false")
	default:
		s.null()
	}
}

// raw skips a value and returns its text.
func (s *scanner) raw() []byte {
	s.peek()
	start := s.at
	s.skip()
	return s.data[start:s.at]
}

// other skips the value of a key that is none of fields. encoding/json takes a
// key in another case for the field, which is left to it.
func (s *scanner) other(key []byte, fields []string) {
	for _, f := range fields {
		if len(f) == len(key) && strings.EqualFold(f, string(key)) {
			s.fault = true
			return
		}
	}
	s.skip()
}

func (s *scanner) skip() {
	if s.depth++; s.depth > maxDepth {
		s.fault = true
	}
	switch s.peek() {
	case '{':
		s.object(func([]byte) { s.skip() })
	case '[':
		s.array(s.skip)
	case '"':
		if inside, plain := s.quoted(); !plain && !s.fault {
			s.fault = !json.Valid(s.data[s.at-len(inside)-2 : s.at])
		}
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.number()
	}
	s.depth--
}

func (s *scanner) number() {
	start := s.at
	for s.at < len(s.data) && strings.IndexByte("+-.eE0123456789", s.data[s.at]) >= 0 {
		s.at++
	}
	s.fault = s.fault || !json.Valid(s.data[start:s.at])
}

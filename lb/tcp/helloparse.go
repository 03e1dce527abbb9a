package tcp

import (
	"fmt"
	"slices"
	"strings"
)

// Extensions of a hello.
const (
	extensionServerName = 0  // RFC 6066 §3
	extensionProtocols  = 16 // RFC 7301 §3.1
	nameOfHost          = 0
)

// parseHello takes the body of a hello apart (RFC 8446 §4.1.2).
func parseHello(body []byte) (h Hello, err error) {
	text := vector(body)
	var extensions vector
	const fixed = 2 + 32 // version, random
	// Then come the session, the ciphers and the compressions.
	if !text.skip(fixed) || !text.skipList(1) || !text.skipList(2) || !text.skipList(1) {
		return Hello{}, ErrMalformed
	}
	if len(text) == 0 {
		return Hello{}, nil // older than extensions
	}
	if !text.list(2, &extensions) || len(text) > 0 {
		return Hello{}, ErrMalformed
	}
	return parseExtensions(extensions)
}

func parseExtensions(all vector) (h Hello, err error) {
	var seen []int
	for len(all) > 0 {
		var kind int
		var data vector
		if !all.number(2, &kind) || !all.list(2, &data) {
			return Hello{}, fmt.Errorf("%w: an extension", ErrMalformed)
		}
		if kind != extensionServerName && kind != extensionProtocols {
			continue
		}
		if slices.Contains(seen, kind) {
			return Hello{}, fmt.Errorf("%w: an extension twice", ErrMalformed)
		}
		seen = append(seen, kind)
		ok := false
		if kind == extensionServerName {
			h.ServerName, ok = parseServerName(data)
		} else {
			h.Protocols, ok = parseProtocols(data)
		}
		if !ok {
			return Hello{}, fmt.Errorf("%w: extension %d", ErrMalformed, kind)
		}
	}
	return h, nil
}

// parseServerName takes the first name that is one of a host.
func parseServerName(data vector) (name string, ok bool) {
	var names vector
	if !data.list(2, &names) || len(data) > 0 {
		return "", false
	}
	for len(names) > 0 {
		var kind int
		var text vector
		if !names.number(1, &kind) || !names.list(2, &text) {
			return "", false
		}
		if kind == nameOfHost && name == "" {
			if name, ok = hostName(string(text)); !ok {
				return "", false
			}
		}
	}
	return name, true
}

// hostName unifies a name. One with other characters than names have would be
// nobody's, but be in logs.
func hostName(text string) (name string, ok bool) {
	for _, c := range []byte(text) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`/\"'<>*`, c) >= 0 {
			return "", false
		}
	}
	name = strings.TrimSuffix(strings.ToLower(text), ".")
	return name, name != ""
}

func parseProtocols(data vector) (protocols []string, ok bool) {
	var list vector
	if !data.list(2, &list) || len(data) > 0 {
		return nil, false
	}
	for len(list) > 0 {
		var text vector
		if !list.list(1, &text) || len(text) == 0 {
			return nil, false
		}
		protocols = append(protocols, string(text))
	}
	return protocols, true
}

// vector is a text in the notation of TLS, which is read from its start. What is
// not there is not read.
type vector []byte

func (v *vector) skip(n int) bool {
	if len(*v) < n {
		return false
	}
	*v = (*v)[n:]
	return true
}

// number reads a number of so many bytes.
func (v *vector) number(size int, n *int) bool {
	if len(*v) < size {
		return false
	}
	*n = 0
	for _, c := range (*v)[:size] {
		*n = *n<<8 | int(c)
	}
	return v.skip(size)
}

// list reads a length of so many bytes and what it is the length of.
func (v *vector) list(size int, content *vector) bool {
	var n int
	if !v.number(size, &n) || len(*v) < n {
		return false
	}
	*content = (*v)[:n]
	return v.skip(n)
}

func (v *vector) skipList(size int) bool {
	var content vector
	return v.list(size, &content)
}

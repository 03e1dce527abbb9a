package proxyproto

import (
	"bytes"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// maxLine is the longest header of version 1, its line end included.
const maxLine = 107

// readLine reads the rest of a header of version 1, which is a line, after its
// first bytes. It never reads more than what must be part of the line.
func readLine(r io.Reader, line []byte) (Header, error) {
	for {
		if end := bytes.IndexByte(line, '\n'); end >= 0 {
			if end != len(line)-1 {
				return Header{}, malformed("the line is too short")
			}
			return parseLine(line)
		}
		size := len(line)
		missing := atLeastMissing(line)
		if size+missing > maxLine {
			return Header{}, malformed("the line has no end within %d bytes", maxLine)
		}
		line = line[:size+missing]
		if err := readFull(r, line[size:]); err != nil {
			return Header{}, err
		}
	}
}

// atLeastMissing is how many bytes a line without an end has to have still. Each
// of its six words but the last is followed by a space, and has one byte or more.
func atLeastMissing(line []byte) int {
	const words = 6
	switch {
	case line[len(line)-1] == '\r':
		return 1
	case bytes.HasPrefix(line, []byte(prefix+"UNKNOWN")):
		return 1 // what follows may be anything
	case bytes.HasPrefix([]byte(prefix+"UNKNOWN"), line):
		return len(prefix+"UNKNOWN\r\n") - len(line)
	}
	begun := 1 + bytes.Count(line, []byte(" "))
	missing := 2*max(0, words-begun) + len("\r\n")
	if line[len(line)-1] == ' ' {
		missing++
	}
	return missing
}

// parseLine reads "PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n".
func parseLine(line []byte) (Header, error) {
	text, ok := strings.CutSuffix(string(line), "\r\n")
	if !ok || strings.ContainsAny(text, "\r\n\x00") {
		return Header{}, malformed("the line does not end in CR LF")
	}
	words := strings.Split(text, " ")
	if len(words) >= 2 && words[1] == "UNKNOWN" {
		return Header{Version: 1}, nil
	}
	if len(words) != 6 {
		return Header{}, malformed("the line has %d words, not 6", len(words))
	}
	family := words[1]
	if family != "TCP4" && family != "TCP6" {
		return Header{}, malformed("unknown protocol %q", family)
	}
	var ends [2]netip.AddrPort
	for i := range ends {
		ip, err := netip.ParseAddr(words[2+i])
		if err != nil || ip.Is4() != (family == "TCP4") || ip.Zone() != "" {
			return Header{}, malformed("%q is no address for %s", words[2+i], family)
		}
		port, err := strconv.ParseUint(words[4+i], 10, 16)
		if err != nil || strconv.FormatUint(port, 10) != words[4+i] {
			return Header{}, malformed("%q is no port", words[4+i])
		}
		ends[i] = netip.AddrPortFrom(ip.Unmap(), uint16(port))
	}
	return Header{Version: 1, Source: ends[0], Destination: ends[1]}, nil
}

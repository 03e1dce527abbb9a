package proxyproto

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"
)

// signature is how a header of version 2 starts, prefix how one of version 1
// does.
const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	prefix    = "PROXY "
)

// ReadHeader reads the header off a connection whose peer has until deadline to
// send all of it; the zero time is for ever. The connection has no read deadline
// afterwards.
//
// With [ErrNoHeader] it returns the few bytes it had to read to find out, which
// are the start of what the peer has to say; there may be none, if the peer did
// not say anything by the deadline. Any other error, [ErrMalformed] or one of
// the connection, leaves a connection that is of no use any more.
func ReadHeader(nc net.Conn, deadline time.Time) (h Header, read []byte, err error) {
	if err := nc.SetReadDeadline(deadline); err != nil {
		return Header{}, nil, fmt.Errorf("reading the PROXY header: %w", err)
	}
	// All that can be read before it is known how much there is to read.
	buffer := make([]byte, len(signature), maxLine)
	n := 0
	for n < len(buffer) {
		m, err := nc.Read(buffer[n:])
		n += m
		switch {
		case !couldBegin(buffer[:n]), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, io.EOF) && n < len(buffer):
			return Header{}, buffer[:n], errors.Join(ErrNoHeader, nc.SetReadDeadline(time.Time{}))
		case err != nil && n < len(buffer):
			return Header{}, nil, fmt.Errorf("reading the PROXY header: %w", err)
		}
	}
	if buffer[0] == signature[0] {
		h, err = readBinary(nc)
	} else {
		h, err = readLine(nc, buffer)
	}
	if err != nil {
		return Header{}, nil, fmt.Errorf("reading the PROXY header: %w", err)
	}
	return h, nil, nc.SetReadDeadline(time.Time{})
}

// couldBegin reports whether a header may start with text.
func couldBegin(text []byte) bool {
	isPart := func(whole string) bool {
		n := min(len(text), len(whole))
		return bytes.Equal(text[:n], []byte(whole[:n]))
	}
	return isPart(prefix) || isPart(signature)
}

// readFull reads all of p. An end before it is no proper one.
func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

package compat

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// call makes a call of gRPC over HTTP/2 without TLS, with one message: the body, or
// as many bytes as the field X-Bytes says. The answer is the status of the call,
// and what came back.
func (a asker) call(q *question, to place) (string, error) {
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	text := []byte(q.body)
	header := http.Header{"Content-Type": {"application/grpc"}, "Te": {"trailers"}}
	for _, field := range q.fields {
		name, value, _ := strings.Cut(field, ": ")
		if name == "X-Bytes" {
			var n int
			if _, err := fmt.Sscan(value, &n); err != nil {
				return "", err
			}
			text = make([]byte, n-3) // see below
			continue
		}
		header.Add(name, value)
	}
	// Fabio takes messages apart: this one is the first field of a message.
	message := append(binary.AppendUvarint([]byte{1<<3 | 2}, uint64(len(text))), text...)
	framed := append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+net.JoinHostPort(a.ip, to.port)+to.target, bytes.NewReader(framed))
	if err != nil {
		return "", err
	}
	request.Header = header
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	status := answer.Header.Get("Grpc-Status") + answer.Trailer.Get("Grpc-Status")
	return fmt.Sprintf("status %s, %d bytes", status, len(got)), err
}

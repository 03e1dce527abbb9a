package compat

import (
	"context"
	"net"
	"net/http"
	"strings"
)

// request2 is [asker.request] for HTTP/2.
func (a asker) request2(nc net.Conn, q *question, to place, fields []string, host string, _ *visit) (string, error) {
	transport := &http.Transport{
		DialTLSContext:    func(context.Context, string, string) (net.Conn, error) { return nc, nil },
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequest(to.method, "https://"+host+to.target, strings.NewReader(q.body))
	if err != nil {
		return "", err
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Add(name, value)
		}
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	return describe(resp, q)
}

package lb

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/capture"
)

// A refused request is told of in the log, with its reason and its start, escaped.
func TestRefusedRequestsAreLogged(t *testing.T) {
	var log capture.Buffer
	r := start(t, func(o *ServerOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }, testRoute{prefix: "/"})
	if got := r.raw("GET /x\x1b HTTP/1.1\r\nHost: h\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("answered %q", got)
	}
	eventually(t, "it is in the log", func() bool { return strings.Contains(log.String(), "status=400 reason=target remote=127.0.0.1") })
	if got := log.String(); strings.Contains(got, "\x1b") || !strings.Contains(got, "GET /x") {
		t.Errorf("the log is %q", got)
	}
}

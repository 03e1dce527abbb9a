package probe

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

func TestHealthChecksOfGRPC(t *testing.T) {
	answers := func(status int, body, grpcStatus string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			asked, _ := io.ReadAll(r.Body)
			if r.Method != http.MethodPost || r.URL.Path != "/grpc.health.v1.Health/Check" || r.ProtoMajor != 2 ||
				r.Header.Get("Content-Type") != "application/grpc" || string(asked) != "\x00\x00\x00\x00\x00" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			w.Header().Set("Content-Type", "application/grpc")
			if body == "" {
				w.Header().Set("Grpc-Status", grpcStatus)
			}
			w.WriteHeader(status)
			io.WriteString(w, body)
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", grpcStatus)
		}
	}
	for _, test := range []struct {
		name   string
		handle http.HandlerFunc
		want   string // of the error; empty is well
	}{
		{"serving", answers(200, "\x00\x00\x00\x00\x02\x08\x01", "0"), ""},
		{"not serving", answers(200, "\x00\x00\x00\x00\x02\x08\x02", "0"), "serves not, by state 2"},
		{"unknown", answers(200, "\x00\x00\x00\x00\x00", "0"), "serves not, by state 0"},
		{"without the service", answers(200, "", "12"), `status "12"`},
		{"failed", answers(200, "\x00\x00\x00\x00\x02\x08\x01", "13"), `status "13"`},
		{"no gRPC", answers(404, "not found", ""), "answered 404"},
		{"half a message", answers(200, "\x00\x00\x00\x00\x02\x08", "0"), errHealthAnswer.Error()},
		{"no message", answers(200, "\x00\x00\x00\x00\x02\x10\x01", "0"), errHealthAnswer.Error()},
		{"no end of a number", answers(200, "\x00\x00\x00\x00\x01\x08", "0"), errHealthAnswer.Error()},
	} {
		for scheme, address := range map[string]string{
			"h2c":   lbtest.H2C(t, test.handle),
			"https": lbtest.HTTPS(t, test.handle),
		} {
			t.Run(test.name+" "+scheme, func(t *testing.T) {
				check := spec.DefaultHealthCheck()
				check.Mode = spec.ModeGRPC
				if (&spec.LoadBalancer{Health: check}).Validate() != nil {
					t.Error("the check needs more than its mode")
				}
				err := askOnce(t, check, target.Key{Scheme: scheme, Address: address, SkipVerify: true})
				if test.want == "" && err == nil || err != nil && test.want != "" && strings.Contains(err.Error(), test.want) {
					return
				}
				t.Errorf("%v, want %q", err, test.want)
			})
		}
	}
}

// A target is asked in the way it is spoken to.
func TestHealthChecksOverHTTP2(t *testing.T) {
	address := lbtest.H2C(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/health" {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	check := spec.DefaultHealthCheck()
	for path, well := range map[string]bool{"/health": true, "/other": false} {
		check.Path = path
		if err := askOnce(t, check, target.Key{Scheme: "h2c", Address: address}); (err == nil) != well {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func askOnce(t *testing.T, asked *spec.HealthCheck, key target.Key) error {
	t.Helper()
	pool := target.NewRegistry(nil).Pool("web", []target.Member{{Key: key, Weight: 1}}, target.Policy{})
	c := check{Pool: Pool{Pool: pool, Health: asked}, target: pool.Targets()[0]}
	client := c.client()
	defer client.CloseIdleConnections()
	return c.ask(t.Context(), client)
}

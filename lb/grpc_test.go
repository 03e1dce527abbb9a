package lb

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/listener"
)

// interopCases are those that all implementations of gRPC are tested with among
// each other, but for the ones about credentials and compression.
var interopCases = []string{
	"empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream",
	"timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response", "custom_metadata",
	"status_code_and_message", "special_status_message", "unimplemented_method", "unimplemented_service",
}

func TestGRPC(t *testing.T) {
	client := parts.Path(t, "grpc-client")
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprintf("TLS %v", encrypted), func(t *testing.T) {
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
			writePair(t, cert, key, "shop.test")
			scheme, backend := "h2c", grpcServer(t)
			if encrypted {
				scheme, backend = "https", grpcServer(t, "-use_tls", "-tls_cert_file="+cert, "-tls_key_file="+key)
			}
			r := start(t, func(o *ServerOptions) {
				if encrypted {
					o.Listeners = []listener.Listener{{Address: "127.0.0.1:0", Proto: "https", CertFile: cert, KeyFile: key}}
				}
			}, testRoute{prefix: "/", backends: []string{scheme + "://" + backend}})
			host, port, _ := net.SplitHostPort(r.addr)
			for _, name := range interopCases {
				t.Run(name, func(t *testing.T) {
					args := []string{"-server_host=" + host, "-server_port=" + port, "-test_case=" + name}
					if encrypted {
						args = append(args, "-use_tls", "-use_test_ca", "-ca_file="+cert, "-server_host_override=shop.test")
					}
					if out, err := exec.CommandContext(t.Context(), client, args...).CombinedOutput(); err != nil {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
			eventually(t, "all calls have ended", func() bool { return r.Metrics().InFlight == 0 })
			if m := r.Metrics().Targets[0]; m.InFlight != 0 || m.Requests < uint64(len(interopCases)) || m.Failures != 0 {
				t.Errorf("%+v", m)
			}
		})
	}
}

// A target that keeps the deadline of a call is not to blame for its end, but one
// that cancels what may take its time is.
func TestDeadlinesOfCallsAreKeptByTargets(t *testing.T) {
	backend := lbtest.Serve(t, func(nc *net.TCPConn) {
		if _, err := io.ReadFull(nc, make([]byte, len(http2.ClientPreface))); err != nil {
			return
		}
		framer := http2.NewFramer(nc, nc)
		_ = framer.WriteSettings()
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if head, ok := frame.(*http2.HeadersFrame); ok {
				_ = framer.WriteRSTStream(head.StreamID, http2.ErrCodeCancel)
			}
		}
	})
	for deadline, failures := range map[string]uint64{"1m": 0, "": 1} {
		r := start(t, nil, testRoute{prefix: "/", backends: []string{"h2c://" + backend}})
		request, err := http.NewRequestWithContext(t.Context(), "POST", r.url("/shop.Shop/Buy"), strings.NewReader("call"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/grpc")
		request.Header.Set("Grpc-Timeout", deadline)
		answer, err := client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		eventually(t, "the call has ended", func() bool { return r.Metrics().InFlight == 0 })
		if m := r.Metrics().Targets[0]; m.Requests != 1 || m.Failures != failures {
			t.Errorf("with the deadline %q: %+v, want %d failures", deadline, m, failures)
		}
	}
}

// A call to an instance that is gone goes on, unless it is to end after a while.
func TestCallsOfADepartedTarget(t *testing.T) {
	for _, grace := range []time.Duration{0, 100 * time.Millisecond} {
		begun, end := make(chan struct{}, 1), make(chan struct{})
		backend := lbtest.H2C(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/grpc")
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			begun <- struct{}{}
			select {
			case <-end:
				io.WriteString(w, "the rest")
			case <-r.Context().Done():
			}
		})
		r := start(t, func(o *ServerOptions) { o.Timeouts.DepartedCall = grace }, testRoute{prefix: "/", backends: []string{"h2c://" + backend}})
		request, err := http.NewRequestWithContext(t.Context(), "POST", r.url("/shop.Shop/Watch"), strings.NewReader("call"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/grpc")
		answer, err := client(t).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		<-begun
		r.put(tableOf(r.targets, []testRoute{{prefix: "/other", backends: []string{lbtest.Refusing(t)}}}))
		if grace == 0 {
			close(end)
		}
		rest, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if cut := err != nil; cut != (grace > 0) || !cut && string(rest) != "the rest" {
			t.Errorf("with %v: %q, %v", grace, rest, err)
		}
		eventually(t, "the call has ended", func() bool { return r.Metrics().InFlight == 0 })
		r.stop()
	}
}

// grpcServer starts the other half of the test cases and returns its address.
// Listeners and tags of Fabio for gRPC.
func TestGRPCOfFabio(t *testing.T) {
	client, dir := parts.Path(t, "grpc-client"), t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, cert, key, "shop.test")
	p := pass(t, nil, "127.0.0.1:0;proto=grpc", "127.0.0.1:0;proto=grpcs;cert="+cert+";key="+key)
	p.set("plain", []string{grpcServer(t)}, "urlprefix-/grpc.testing.TestService/EmptyCall proto=grpc")
	p.set("secure", []string{grpcServer(t, "-use_tls", "-tls_cert_file="+cert, "-tls_key_file="+key)},
		"urlprefix-/grpc.testing.TestService proto=grpcs grpcservername=shop.test tlsskipverify=true")
	for listener, options := range [][]string{{}, {"-use_tls", "-use_test_ca", "-ca_file=" + cert, "-server_host_override=shop.test"}} {
		for _, call := range []string{"empty_unary", "large_unary", "ping_pong"} {
			host, port, _ := net.SplitHostPort(p.address(listener))
			args := append([]string{"-server_host=" + host, "-server_port=" + port, "-test_case=" + call}, options...)
			if out, err := exec.CommandContext(t.Context(), client, args...).CombinedOutput(); err != nil {
				t.Errorf("%s at listener %d: %v\n%s", call, listener, err, out)
			}
		}
	}
}

func grpcServer(t *testing.T, args ...string) string {
	t.Helper()
	server := exec.CommandContext(t.Context(), parts.Path(t, "grpc-server"), append(args, "-port=0")...)
	server.Env = append(os.Environ(), "GRPC_GO_LOG_SEVERITY_LEVEL=info")
	out, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	t.Cleanup(func() {
		_ = server.Process.Kill()
		<-read
		_ = server.Wait() // killed
	})
	listening := make(chan string, 1)
	go func() {
		defer close(read)
		said := regexp.MustCompile(`listening on \S*:(\d+)`)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if found := said.FindStringSubmatch(lines.Text()); found != nil {
				listening <- "127.0.0.1:" + found[1]
			}
		}
		close(listening)
	}()
	address, ok := <-listening
	if !ok {
		t.Fatal("it ended: " + strings.Join(server.Args, " "))
	}
	return address
}

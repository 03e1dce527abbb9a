package lb

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// deafBackend is an address at which connections are never established: nobody
// accepts them, and there is no room for more to wait.
func deafBackend(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if cancel(); err != nil {
			return address // it is full
		}
		t.Cleanup(func() { nc.Close() })
	}
}

// What does not answer at all in time is told from what refuses.
func TestDialTimeout(t *testing.T) {
	r := start(t, func(o *ServerOptions) { o.Timeouts.Dial = 100 * time.Millisecond },
		testRoute{prefix: "/deaf", backends: []string{deafBackend(t)}}, testRoute{prefix: "/refusing", backends: []string{lbtest.Refusing(t)}})
	if status, body := r.get("/deaf"); status != http.StatusGatewayTimeout {
		t.Errorf("%d %q", status, body)
	}
	if status, body := r.get("/refusing"); status != http.StatusBadGateway {
		t.Errorf("%d %q", status, body)
	}
}

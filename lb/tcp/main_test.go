package tcp

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sluiceproxy/sluice/internal/certtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a condition may take to come true. It is no demand on
// speed.
const patience = 20 * time.Second

// pair is both ends of a connection over the loopback interface.
func pair(t testing.TB) (here, there *net.TCPConn) {
	t.Helper()
	l := listen(t)
	dialed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialed.Close()
		accepted.Close()
	})
	dialed.SetDeadline(time.Now().Add(patience))
	return dialed.(*net.TCPConn), accepted.(*net.TCPConn)
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func write(t testing.TB, nc io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
}

// certificate is one for any name.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	return certtest.Issue(t, x509.Certificate{DNSNames: []string{"x.test"}}, nil).TLS()
}

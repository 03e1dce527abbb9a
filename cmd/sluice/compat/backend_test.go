package compat

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
)

// backends are what the instances are, by name; see testdata/README.md.
type backends map[string]net.Addr

func startBackends(t *testing.T, certificate tls.Certificate, g gate) backends {
	t.Helper()
	all := backends{}
	for _, name := range []string{"a", "b", "c", "d", "tls", "h2c", "grpc"} {
		server := httptest.NewUnstartedServer(g.hold(echo(name)))
		if name == "grpc" {
			server.Config.Handler = http.HandlerFunc(call)
		}
		if name == "h2c" || name == "grpc" {
			server.Config.Protocols = new(http.Protocols)
			server.Config.Protocols.SetUnencryptedHTTP2(true)
		}
		if name == "tls" {
			server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
			server.StartTLS()
		} else {
			server.Start()
		}
		t.Cleanup(server.Close)
		all[name] = server.Listener.Addr()
	}
	all["tcp"] = serve(t, tell)
	serveUDP(t, all["tcp"].String())
	all["proxied"] = serve(t, func(nc net.Conn) { tellBehindTLS(nc, certificate) })
	all["six"] = startAt(t, "[::1]:0", echo("six"))
	all["mute"] = serve(t, func(net.Conn) {})
	all["down"] = addrOf(lbtest.Refusing(t))
	return all
}

// onNode is the backend that is at the address of Consul's node.
const onNode = "node"

// startAt starts a web server at an address that the machine may not have.
func startAt(t *testing.T, address string, h http.Handler) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	server := httptest.NewUnstartedServer(h)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	return l.Addr()
}

// seen is what a web server tells of a request.
type seen struct {
	Backend, Method, URI, Host string
	Header                     http.Header
	Body                       string
}

func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			upgrade(w, r, name)
			return
		}
		if d, err := time.ParseDuration(r.Header.Get("X-Sleep")); err == nil {
			select {
			case <-time.After(d):
			case <-r.Context().Done():
			}
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Backend", name)
		switch kind := r.Header.Get("X-Type"); kind {
		case "":
		case "-":
			w.Header()["Content-Type"] = nil // and none is guessed
		default:
			w.Header().Set("Content-Type", kind)
		}
		if name, value, ok := strings.Cut(r.Header.Get("X-Field"), ": "); ok {
			w.Header().Set(name, value)
		}
		size, err := strconv.Atoi(r.Header.Get("X-Size"))
		isSized := err == nil
		if isSized {
			w.Header().Del("X-Backend") // for it tells nothing
		}
		if status, err := strconv.Atoi(r.Header.Get("X-Status")); err == nil && (r.Header.Get("X-At") == "" || r.Header.Get("X-At") == name) {
			w.WriteHeader(status)
		}
		if isSized {
			_, _ = io.WriteString(w, strings.Repeat("x", size))
			return
		}
		_ = json.NewEncoder(w).Encode(seen{name, r.Method, r.RequestURI, r.Host, r.Header, string(body)})
	})
}

// call answers as a method of gRPC that returns what it is given, or fails with
// the status in X-Status, before it has said anything or, with X-At: end, then.
func call(w http.ResponseWriter, r *http.Request) {
	h, status := w.Header(), cmp.Or(r.Header.Get("X-Status"), "0")
	h.Set("Content-Type", r.Header.Get("Content-Type"))
	h.Set("X-Saw", fmt.Sprintf("%s %s, TE %s", r.Method, r.Header.Get("Content-Type"), r.Header.Get("Te")))
	if status != "0" && r.Header.Get("X-At") == "" {
		h.Set("Grpc-Status", status)
		h.Set("Grpc-Message", "failed")
		return
	}
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush()
	_, _ = io.Copy(w, r.Body)
	h.Set(http.TrailerPrefix+"Grpc-Status", status)
	if cost := r.Header.Get("X-Cost"); cost != "" {
		h.Set(http.TrailerPrefix+"X-Cost", cost)
	}
}

// upgrade accepts a WebSocket, as far as a proxy can tell, and sends back one
// line with what it saw.
func upgrade(w http.ResponseWriter, r *http.Request, name string) {
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer nc.Close()
	fmt.Fprintf(nc, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Backend: %s\r\n\r\n", name)
	line, err := buffered.ReadString('\n')
	if err == nil {
		fmt.Fprintf(nc, "%s %s %s", name, r.RequestURI, line)
	}
}

// tell tells what a client of TCP says.
func tell(nc net.Conn) {
	r := bufio.NewReader(nc)
	said := "tcp"
	for {
		line, err := r.ReadString('\n')
		line = strings.TrimSpace(line)
		if err != nil {
			fmt.Fprintf(nc, "%s %q, end\n", said, line)
			return
		}
		said += fmt.Sprintf(" %q", line)
		if !strings.HasPrefix(line, "PROXY ") {
			fmt.Fprintln(nc, said)
			return
		}
	}
}

// tellBehindTLS is tell for a client that speaks TLS behind a PROXY header.
func tellBehindTLS(nc net.Conn, certificate tls.Certificate) {
	header, one := "", make([]byte, 1)
	for !strings.HasSuffix(header, "\n") {
		if _, err := io.ReadFull(nc, one); err != nil {
			return
		}
		header += string(one)
	}
	inside := tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{certificate}})
	if line, err := bufio.NewReader(inside).ReadString('\n'); err == nil {
		fmt.Fprintf(inside, "%q %q\n", strings.TrimSpace(header), strings.TrimSpace(line))
	}
	_ = inside.CloseWrite()
}

// serve serves every connection, until the end of the test.
func serve(t *testing.T, handle func(net.Conn)) net.Addr {
	t.Helper()
	return addrOf(lbtest.Serve(t, func(nc *net.TCPConn) {
		_ = nc.SetDeadline(time.Now().Add(patience))
		handle(nc)
	}))
}

func addrOf(address string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))
}

// serveUDP answers datagrams, until the end of the test.
func serveUDP(t *testing.T, address string) {
	t.Helper()
	pc, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 1024)
		for {
			n, from, err := pc.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo([]byte("udp "+strconv.Quote(string(buffer[:n]))), from)
		}
	}()
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
}

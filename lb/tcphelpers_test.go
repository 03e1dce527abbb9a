package lb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/lbtest"
	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/watch"
)

// passing is a running server whose table is built of a catalog.
type passing struct {
	*Server
	t       *testing.T
	catalog *catalog
	own     *Builder // the server's is the server's alone
	stop    func()
}

// pass runs a server on these listeners, without any route yet.
func pass(t *testing.T, change func(*ServerOptions), listeners ...string) *passing {
	t.Helper()
	o := DefaultServerOptions()
	for _, text := range listeners {
		l, err := listener.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Listeners = append(o.Listeners, l)
	}
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	o.Timeouts.Drain = 20 * time.Second
	if change != nil {
		change(&o)
	}
	s, err := New(o, watch.New(watch.DefaultOptions()))
	if err != nil {
		t.Fatal(err)
	}
	p := &passing{Server: s, t: t, catalog: newCatalog(), own: NewBuilder(s.options.Table, s.targets)}
	empty := p.own.Build(p.catalog.snapshot())
	s.build = func(*watch.Snapshot) *Table { return empty }
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(p.stop)
	eventually(t, "the server is ready", s.Ready)
	return p
}

// set registers a service whose instances are at these addresses, and puts the
// table in force.
func (p *passing) set(service string, addresses []string, tags ...string) {
	p.t.Helper()
	var instances []watch.Instance
	for _, address := range addresses {
		i := at("127.0.0.1", tags...)
		_, port, _ := net.SplitHostPort(address)
		fmt.Sscan(port, &i.Service.Port)
		instances = append(instances, i)
	}
	p.catalog.set(service, instances...)
	p.put(p.own.Build(p.catalog.snapshot()))
	for _, problem := range p.table.Load().Problems() {
		p.t.Log(problem.Error())
	}
}

func (p *passing) address(i int) string { return p.entries[i].address.String() }

func (p *passing) port(i int) string { return p.address(i)[strings.LastIndexByte(p.address(i), ':'):] }

func (p *passing) routeMetrics() TCPRouteMetrics {
	all := p.Metrics().TCPRoutes
	if len(all) == 0 {
		return TCPRouteMetrics{}
	}
	return all[0]
}

// counting answers, at the end of what it is told, with its name and that.
func counting(name string) func(nc *net.TCPConn) {
	return func(nc *net.TCPConn) {
		said, err := io.ReadAll(nc)
		if err == nil {
			fmt.Fprintf(nc, "%s: %s", name, said)
		}
	}
}

func dialTCP(t *testing.T, address string) *net.TCPConn {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc.(*net.TCPConn)
}

// say says something, ends its half, and returns the answer.
func say(t *testing.T, address, text string) string {
	t.Helper()
	nc := dialTCP(t, address)
	defer nc.Close()
	io.WriteString(nc, text)
	nc.CloseWrite()
	answer, err := io.ReadAll(nc)
	if err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
	return string(answer)
}

// sayTLS says something over TLS to who has the name, and returns the answer.
func sayTLS(t *testing.T, address, name, text string, next ...string) string {
	t.Helper()
	nc := tls.Client(dialTCP(t, address), &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: next})
	defer nc.Close()
	if err := nc.Handshake(); err != nil {
		return "closed"
	}
	io.WriteString(nc, text)
	nc.CloseWrite()
	answer, _ := io.ReadAll(nc)
	return string(answer)
}

// tlsBackend is counting over TLS.
func tlsBackend(t *testing.T, name string) string {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), name)
	certificate, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	return lbtest.Serve(t, func(socket *net.TCPConn) {
		nc := tls.Server(socket, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2", "imap", "http/1.1"}})
		if said, err := io.ReadAll(nc); err == nil {
			fmt.Fprintf(nc, "%s: %s", name, said)
			nc.CloseWrite()
		}
	})
}

func pairFiles(t *testing.T, names string) string {
	dir := t.TempDir()
	writePair(t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), names)
	return ";cert=" + filepath.Join(dir, "cert.pem") + ";key=" + filepath.Join(dir, "key.pem")
}

// udpBackend sends each datagram back behind "echo ".
func udpBackend(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		buffer := make([]byte, 2000)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			socket.WriteToUDPAddrPort(append([]byte("echo "), buffer[:n]...), from)
		}
	})
	t.Cleanup(func() {
		socket.Close()
		running.Wait()
	})
	return socket.LocalAddr().String()
}

func dialUDP(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

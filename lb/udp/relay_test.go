package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { socket.Close() })
	return socket
}

// echo answers each datagram with its name and what was said.
func echo(t *testing.T, name string) *net.UDPConn {
	socket := listen(t)
	var running sync.WaitGroup
	running.Go(func() {
		buffer := make([]byte, maxDatagram)
		for {
			n, from, err := socket.ReadFromUDPAddrPort(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			socket.WriteToUDPAddrPort(append([]byte(name+" "), buffer[:n]...), from)
		}
	})
	t.Cleanup(func() {
		socket.Close()
		running.Wait()
	})
	return socket
}

// ended is what is told of a session.
type ended struct {
	sent, received int64
	err            error
}

// start runs a relay whose sessions go to one target after the other.
func start(t *testing.T, change func(*Options), targets ...net.Addr) (r *Relay, address string, sessions chan ended) {
	t.Helper()
	sessions = make(chan ended, 100)
	begun := 0
	o := Options{
		Idle: 20 * time.Second, MaxSessions: 10,
		Dropped: func(netip.AddrPort) {},
		Dial: func(netip.AddrPort) (Target, error) {
			to := targets[begun%len(targets)]
			begun++
			nc, err := net.Dial("udp", to.String())
			if err != nil {
				return Target{}, err
			}
			return Target{
				UDPConn: nc.(*net.UDPConn), Context: context.Background(),
				Done: func(sent, received int64, err error) { sessions <- ended{sent, received, err} },
			}, nil
		},
	}
	if change != nil {
		change(&o)
	}
	socket := listen(t)
	r = New(socket, o)
	var running sync.WaitGroup
	running.Go(func() {
		if err := r.Serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		r.Close()
		running.Wait()
	})
	return r, socket.LocalAddr().String(), sessions
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	nc, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

func ask(t *testing.T, nc net.Conn, text string) string {
	t.Helper()
	if _, err := nc.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, maxDatagram)
	n, err := nc.Read(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

func TestSessionsStayWithTheirTarget(t *testing.T) {
	r, address, _ := start(t, nil, echo(t, "a").LocalAddr(), echo(t, "b").LocalAddr())
	one, two := dial(t, address), dial(t, address)
	for i := range 3 {
		if got, want := ask(t, one, fmt.Sprint(i)), fmt.Sprint("a ", i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := ask(t, two, fmt.Sprint(i)), fmt.Sprint("b ", i); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if n := r.Sessions(); n != 2 {
		t.Errorf("%d sessions, want 2", n)
	}
	large := strings.Repeat("x", 60_000)
	if got := ask(t, one, large); got != "a "+large {
		t.Errorf("a large datagram came back with %d bytes", len(got))
	}
}

func TestSilentSessionEnds(t *testing.T) {
	r, address, sessions := start(t, func(o *Options) { o.Idle = time.Second }, echo(t, "a").LocalAddr())
	ask(t, dial(t, address), "four")
	if got, want := <-sessions, (ended{6, 4, nil}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if n := r.Sessions(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
}

func TestNobodyListens(t *testing.T) {
	gone := listen(t)
	gone.Close()
	_, address, sessions := start(t, nil, gone.LocalAddr(), echo(t, "b").LocalAddr())
	client := dial(t, address)
	client.Write([]byte("lost"))
	if got := <-sessions; !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Errorf("ended with %v, want refused", got.err)
	}
	if got := ask(t, client, "again"); got != "b again" {
		t.Errorf("%q: the client is not given another target", got)
	}
}

func TestTooManySessions(t *testing.T) {
	dropped := make(chan netip.AddrPort, 10)
	_, address, _ := start(t, func(o *Options) {
		o.MaxSessions = 1
		o.Dropped = func(client netip.AddrPort) { dropped <- client }
	}, echo(t, "a").LocalAddr())
	ask(t, dial(t, address), "first")
	second := dial(t, address)
	second.Write([]byte("x"))
	if client := <-dropped; client.String() != second.LocalAddr().String() {
		t.Errorf("dropped %v, want %v", client, second.LocalAddr())
	}
}

func TestContextEndsSession(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, address, sessions := start(t, func(o *Options) {
		dial := o.Dial
		o.Dial = func(client netip.AddrPort) (Target, error) {
			target, err := dial(client)
			target.Context = ctx
			return target, err
		}
	}, echo(t, "a").LocalAddr())
	ask(t, dial(t, address), "x")
	cancel()
	if got := <-sessions; got.err != nil {
		t.Error(got.err)
	}
}

func TestDrain(t *testing.T) {
	r, address, sessions := start(t, func(o *Options) { o.Idle = time.Second }, echo(t, "a").LocalAddr())
	ask(t, dial(t, address), "x")
	if err := r.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	if len(sessions) != 1 {
		t.Error("the session had not ended")
	}
}

func TestDrainIsCut(t *testing.T) {
	r, address, sessions := start(t, nil, echo(t, "a").LocalAddr())
	ask(t, dial(t, address), "x")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := r.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) || len(sessions) != 1 {
		t.Errorf("%v, want the deadline exceeded and the session ended", err)
	}
}

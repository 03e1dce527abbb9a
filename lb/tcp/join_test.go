package tcp

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// joined is a client and a target with a joint between.
type joined struct {
	client, target *net.TCPConn
	cancel         context.CancelCauseFunc
	ended          chan error
	sent, received atomic.Int64
}

func join(t *testing.T, l Limits) *joined {
	t.Helper()
	client, near := pair(t)
	target, far := pair(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	j := &joined{client: client, target: target, cancel: cancel, ended: make(chan error, 1)}
	if l.Idle == 0 {
		l.Idle, l.Half = time.Minute, time.Minute
	}
	l.Moved = func(sent, received int64) {
		j.sent.Add(sent)
		j.received.Add(received)
	}
	go func() { j.ended <- Join(ctx, near, far, l) }()
	t.Cleanup(func() { cancel(nil) })
	return j
}

func (j *joined) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-j.ended:
		return err
	case <-time.After(patience):
		t.Fatal("the connections are still joined")
		return nil
	}
}

// A direction that the kernel copies takes a pipe even while nothing is said.
func TestSplicesAreBounded(t *testing.T) {
	splices := make(chan struct{}, 3)
	for range 4 {
		j := join(t, Limits{Splices: splices})
		write(t, j.client, "question")
		if got := receive(t, j.target, len("question")); got != "question" {
			t.Errorf("the target got %q", got)
		}
		write(t, j.target, "answer")
		if got := receive(t, j.client, len("answer")); got != "answer" {
			t.Errorf("the client got %q", got)
		}
		j.cancel(nil)
		_ = j.end(t)
	}
	if len(splices) != 0 {
		t.Errorf("%d are still taken", len(splices))
	}
	before := pipes(t)
	for range 20 {
		j := join(t, Limits{Splices: splices})
		write(t, j.client, "question")
		receive(t, j.target, len("question"))
		write(t, j.target, "answer")
		receive(t, j.client, len("answer"))
	}
	now := pipes(t)
	if n := now - before; n > 2*cap(splices) {
		t.Errorf("40 directions have %d ends of pipes, want %d at most", n, 2*cap(splices))
	}
	if now == 0 && runtime.GOOS == "linux" { // they may be those of before
		t.Error("the kernel copies nothing")
	}
}

func receive(t *testing.T, nc net.Conn, n int) string {
	t.Helper()
	text := make([]byte, n)
	if _, err := io.ReadFull(nc, text); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pipes is how many descriptors are those of pipes.
func pipes(t *testing.T) (n int) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if to, err := os.Readlink(file); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

func TestHalfClosedClientGetsItsAnswer(t *testing.T) {
	j := join(t, Limits{})
	write(t, j.client, "question")
	j.client.CloseWrite()
	if got, err := io.ReadAll(j.target); string(got) != "question" || err != nil {
		t.Fatalf("the target got %q, %v", got, err)
	}
	write(t, j.target, "answer")
	j.target.Close()
	if got, err := io.ReadAll(j.client); string(got) != "answer" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
	if err := j.end(t); err != nil {
		t.Error(err)
	}
	if j.sent.Load() != 6 || j.received.Load() != 8 {
		t.Errorf("%d bytes sent and %d received, want 6 and 8", j.sent.Load(), j.received.Load())
	}
}

func TestHalfClosedTargetGetsTheRest(t *testing.T) {
	j := join(t, Limits{})
	write(t, j.target, "greeting")
	j.target.CloseWrite()
	if got, err := io.ReadAll(j.client); string(got) != "greeting" || err != nil {
		t.Fatalf("the client got %q, %v", got, err)
	}
	write(t, j.client, "rest")
	j.client.Close()
	if got, err := io.ReadAll(j.target); string(got) != "rest" || err != nil {
		t.Errorf("the target got %q, %v", got, err)
	}
	if err := j.end(t); err != nil {
		t.Error(err)
	}
}

func TestLargeTransfer(t *testing.T) {
	j := join(t, Limits{})
	const size = 32 << 20
	sum, written := sha256.New(), make(chan struct{})
	go func() {
		defer close(written)
		io.CopyN(io.MultiWriter(j.target, sum), rand.Reader, size)
		j.target.CloseWrite()
	}()
	got := sha256.New()
	if n, err := io.Copy(got, j.client); n != size || err != nil {
		t.Fatalf("%d bytes, %v", n, err)
	}
	<-written
	j.client.Close()
	if err := j.end(t); err != nil || string(got.Sum(nil)) != string(sum.Sum(nil)) {
		t.Errorf("%v, or the bytes differ", err)
	}
	if j.sent.Load() != size {
		t.Errorf("%d bytes counted", j.sent.Load())
	}
}

func TestResetIsPassedOn(t *testing.T) {
	for name, ends := range map[string]func(j *joined) (from, to *net.TCPConn){
		"client": func(j *joined) (from, to *net.TCPConn) { return j.client, j.target },
		"target": func(j *joined) (from, to *net.TCPConn) { return j.target, j.client },
	} {
		t.Run(name, func(t *testing.T) {
			j := join(t, Limits{})
			from, to := ends(j)
			write(t, from, "x")
			if _, err := to.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			from.SetLinger(0)
			from.Close()
			to.SetDeadline(time.Now().Add(patience))
			if _, err := to.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%v, want a reset", err)
			}
			if err := j.end(t); !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("ended with %v, want a reset", err)
			}
		})
	}
}

func TestSilenceEnds(t *testing.T) {
	j := join(t, Limits{Idle: 100 * time.Millisecond, Half: time.Minute})
	if err := j.end(t); !errors.Is(err, ErrIdle) {
		t.Errorf("%v, want idle", err)
	}
	if _, err := j.client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%v, want the end", err)
	}
}

// One direction that moves is enough, even if the other one never does.
func TestOneDirectionKeepsBoth(t *testing.T) {
	j := join(t, Limits{Idle: 2 * time.Second, Half: time.Minute})
	j.target.SetDeadline(time.Now().Add(patience))
	for range 40 {
		write(t, j.client, "x")
		if _, err := j.target.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(60 * time.Millisecond)
	}
	if len(j.ended) > 0 {
		t.Errorf("ended with %v", <-j.ended)
	}
}

func TestHalfSilenceEnds(t *testing.T) {
	j := join(t, Limits{Idle: time.Hour, Half: 100 * time.Millisecond})
	j.client.CloseWrite()
	if err := j.end(t); !errors.Is(err, ErrIdle) {
		t.Errorf("%v, want idle", err)
	}
}

func TestReceiverThatTakesNothing(t *testing.T) {
	j := join(t, Limits{Idle: 200 * time.Millisecond, Half: time.Minute})
	go io.Copy(j.client, zeros{})
	if err := j.end(t); !errors.Is(err, ErrStalled) && !errors.Is(err, ErrIdle) {
		t.Errorf("%v, want stalled", err)
	}
}

// A client may have less time than there is for silence.
func TestClientThatTakesNothing(t *testing.T) {
	j := join(t, Limits{Idle: time.Hour, Half: time.Hour, Stall: 100 * time.Millisecond})
	go io.Copy(j.target, zeros{})
	if err := j.end(t); !errors.Is(err, ErrStalled) {
		t.Errorf("%v, want stalled", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestContextCuts(t *testing.T) {
	j := join(t, Limits{})
	cause := errors.New("enough")
	j.cancel(cause)
	if err := j.end(t); !errors.Is(err, cause) {
		t.Errorf("%v, want %v", err, cause)
	}
}

// A deadline that passes in the midst of TLS does no harm.
func TestJoinOverTLS(t *testing.T) {
	clientSocket, near := pair(t)
	target, far := pair(t)
	server := tls.Server(near, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	client := tls.Client(clientSocket, &tls.Config{InsecureSkipVerify: true})
	ended := make(chan error, 1)
	go func() {
		ended <- Join(context.Background(), server, far, Limits{Idle: 4 * time.Second, Half: 4 * time.Second})
	}()
	target.SetDeadline(time.Now().Add(patience))
	buffer := make([]byte, 4)
	for range 2 {
		write(t, client, "ping")
		if _, err := io.ReadFull(target, buffer); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1100 * time.Millisecond) // a look is a quarter of the silence
		write(t, target, "pong")
		if _, err := io.ReadFull(client, buffer); err != nil || string(buffer) != "pong" {
			t.Fatalf("%q, %v", buffer, err)
		}
	}
	client.CloseWrite()
	if rest, err := io.ReadAll(target); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v; want the end", rest, err)
	}
	write(t, target, "last")
	target.Close()
	if rest, err := io.ReadAll(client); string(rest) != "last" || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

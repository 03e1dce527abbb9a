package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluiceproxy/sluice/bench/program"
)

// runner is a subject at work.
type runner struct {
	subject
	plan plan
	*process
}

// bench is a run: the upstream and all subjects, each at its own ports.
type bench struct {
	settings
	ctx      context.Context // ends with the reason when a program ends by itself
	fail     context.CancelCauseFunc
	dir      string
	upstream *process
	runners  []*runner
}

// start starts everything; stop ends it.
func start(ctx context.Context, s settings) (*bench, error) {
	// What we start may have as many files open as it can be allowed: Go raises
	// the limit for itself alone, but for being told.
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return nil, err
	}
	b := &bench{settings: s}
	b.ctx, b.fail = context.WithCancelCause(ctx)
	var err error
	if b.dir, err = os.MkdirTemp("", "wire-"); err != nil {
		return nil, err
	}
	// nginx's workers may have another user.
	if err = os.Chmod(b.dir, 0o755); err == nil {
		err = b.startAll()
	}
	if err != nil {
		b.stop()
		return nil, err
	}
	return b, nil
}

func (b *bench) startAll() error {
	// An address of its own: the ports are free there.
	ip := netip.AddrFrom4([4]byte{127, byte(1 + rand.IntN(254)), byte(rand.IntN(255)), byte(1 + rand.IntN(254))})
	p := b.plan
	p.upstream = netip.AddrPortFrom(ip, 9000)
	p.cert, p.key, p.pair = b.dir+"/cert.pem", b.dir+"/key.pem", b.dir+"/pair.pem"
	cert, key, err := makeCertificate(net.IP(ip.AsSlice()))
	if err != nil {
		return err
	}
	for path, text := range map[string][]byte{p.cert: cert, p.key: key, p.pair: append(cert, key...)} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
	}
	p.dir = filepath.Join(b.dir, "upstream")
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		return err
	}
	args, err := upstream(p, b.cases)
	if err != nil {
		return err
	}
	if b.upstream, err = startProcess(b.ctx, b.fail, p.dir+"/stdout", "/usr/sbin/nginx", args...); err != nil {
		return fmt.Errorf("starting the upstream: %w", err)
	}
	for i, sub := range b.subjects {
		p.http, p.https = netip.AddrPortFrom(ip, uint16(10000+i)), netip.AddrPortFrom(ip, uint16(10100+i))
		p.admin = netip.AddrPortFrom(ip, uint16(10200+i))
		p.dir = filepath.Join(b.dir, sub.name)
		if err := b.startSubject(sub, p); err != nil {
			return fmt.Errorf("starting %s: %w", sub.name, err)
		}
	}
	return nil
}

func (b *bench) startSubject(sub subject, p plan) error {
	if err := os.Mkdir(p.dir, 0o755); err != nil {
		return err
	}
	args, err := sub.prepare(p)
	if err != nil {
		return err
	}
	out := p.dir + "/stdout"
	if sub.logsToStdout {
		out = p.accessLog()
	}
	started, err := startProcess(b.ctx, b.fail, out, sub.path, args...)
	if err != nil {
		return err
	}
	r := &runner{sub, p, started}
	b.runners = append(b.runners, r)
	return r.await(b.ctx)
}

// await waits until the subject answers.
func (r *runner) await(ctx context.Context) error {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer within %v; what it said:\n%s", patience, program.Tail(r.plan.dir+"/stderr")))
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.plan.http.String()+r.plan.route()+"/128", nil)
		if err != nil {
			return err
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// stop ends everything and leaves nothing behind.
func (b *bench) stop() {
	for _, r := range b.runners {
		r.Stop()
	}
	if b.upstream != nil {
		b.upstream.Stop()
	}
	b.fail(nil)
	_ = os.RemoveAll(b.dir)
}

// measure takes all figures that were asked for.
func (b *bench) measure() (report, error) {
	var r report
	var errs error
	for _, w := range b.cases {
		one, err := b.measureCase(w)
		if err != nil {
			return r, fmt.Errorf("case %s: %w", w, err)
		}
		r.cases = append(r.cases, one)
	}
	if b.idle > 0 {
		var err error
		r.idle, err = b.measureIdle()
		errs = errors.Join(errs, err)
	}
	if b.slow > 0 {
		var err error
		r.slow, err = b.measureSlow()
		errs = errors.Join(errs, err)
	}
	return r, errs
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// progress tells the user at the terminal where the run stands.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

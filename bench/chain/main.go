// Command chain measures what the middlewares of a usual production route cost:
// the processor time sluice uses for a request through a chain of stripPrefix,
// headers, compress, rateLimit and retry, beside that of a bare route to the same
// upstream. bench/README.md tells what each figure means.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/procfs"
)

func main() {
	var b bench
	flag.StringVar(&b.sluice, "sluice", "./sluice", "the `program` to measure")
	flag.IntVar(&b.rounds, "rounds", 4, "how often each route has its turn")
	flag.DurationVar(&b.turn, "turn", 2*time.Second, "how long a turn is")
	flag.IntVar(&b.conns, "connections", 16, "how many connections wrk uses")
	flag.IntVar(&b.size, "bytes", 512, "size of the answer")
	flag.StringVar(&b.kind, "type", "application/json", "its `Content-Type`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "chain:", err)
		os.Exit(1)
	}
}

// bench is what the command line asks for.
type bench struct {
	sluice      string
	rounds      int
	turn        time.Duration
	conns, size int
	kind        string

	front, upstream string // addresses
}

func (b *bench) run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "bench-chain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	upstream, err := b.listen()
	if err != nil {
		return err
	}
	defer upstream.Close()
	stop, pid, err := b.start(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	if err := b.await(ctx); err != nil {
		return err
	}
	costs := map[string][]time.Duration{}
	for range b.rounds {
		for _, route := range []string{"bare", "chain"} {
			cost, err := b.measure(ctx, pid, route)
			if err != nil {
				return err
			}
			costs[route] = append(costs[route], cost)
		}
	}
	bare, chain := slices.Min(costs["bare"]), slices.Min(costs["chain"])
	fmt.Printf("bare   %8v a request\nchain  %8v a request\n%.2f times the bare route\n", bare, chain, float64(chain)/float64(bare))
	return nil
}

// listen starts the upstream of both routes. What it uses is not sluice's.
func (b *bench) listen() (*http.Server, error) {
	var body []byte // much alike, as in lists of things, but no two lines the same
	for random := rand.New(rand.NewPCG(1, 2)); len(body) < b.size; {
		body = fmt.Appendf(body, `{"id":%d,"name":"item %x","price":%.2f},`+"\n", random.Uint32(), random.Uint64(), random.Float64()*100)
	}
	body = body[:b.size]
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", b.kind)
		_, _ = w.Write(body)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b.upstream = l.Addr().String()
	go func() { _ = s.Serve(l) }() // until it is closed
	return s, nil
}

// tags are those of the two routes.
var tags = []string{
	"traefik.http.routers.bare.rule=PathPrefix(`/bare`)",
	"traefik.http.routers.chain.rule=PathPrefix(`/chain`)",
	"traefik.http.routers.chain.middlewares=strip,fields,small,limit,again",
	"traefik.http.middlewares.strip.stripprefix.prefixes=/chain",
	"traefik.http.middlewares.fields.headers.customrequestheaders.X-Team=blue",
	"traefik.http.middlewares.fields.headers.framedeny=true",
	"traefik.http.middlewares.fields.headers.contenttypenosniff=true",
	"traefik.http.middlewares.small.compress=true",
	"traefik.http.middlewares.limit.ratelimit.average=100000000",
	"traefik.http.middlewares.limit.ratelimit.burst=100000000",
	"traefik.http.middlewares.again.retry.attempts=3",
}

// start starts sluice with a catalog of the two routes.
func (b *bench) start(ctx context.Context, dir string) (stop func(), pid int, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, 0, err
	}
	b.front = l.Addr().String()
	l.Close() // for sluice to take
	host, port, _ := net.SplitHostPort(b.upstream)
	catalog, err := json.Marshal(map[string]any{"services": []any{map[string]any{
		"name": "app", "address": host, "port": json.Number(port), "tags": tags,
	}}})
	if err != nil {
		return nil, 0, err
	}
	if err := os.WriteFile(filepath.Join(dir, "services.json"), catalog, 0o600); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, b.sluice, "-log-level", "warn", "-catalog", dir, "-lb", b.front, "-admin", "off")
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, 0, err
	}
	return func() {
		cancel()
		_ = cmd.Wait() // ended by us
	}, cmd.Process.Pid, nil
}

// await returns when both routes answer as they should.
func (b *bench) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, route := range []string{"bare", "chain"} {
		for {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.front+"/"+route+"/x", http.NoBody)
			if err != nil {
				return err
			}
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				answer.Body.Close()
				if answer.StatusCode == http.StatusOK && (answer.Header.Get("X-Frame-Options") != "") == (route == "chain") {
					break
				}
			}
			if ctx.Err() != nil {
				return fmt.Errorf("the route %s does not answer: %w", route, errors.Join(err, ctx.Err()))
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// measure has wrk ask for a route, and returns what processor time sluice used for
// each request.
func (b *bench) measure(ctx context.Context, pid int, route string) (time.Duration, error) {
	before, err := processorTime(pid)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", b.conns), fmt.Sprintf("-d%ds", max(1, int(b.turn.Seconds()))),
		"-H", "Accept-Encoding: gzip", "http://"+b.front+"/"+route+"/x")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	after, err := processorTime(pid)
	if err != nil {
		return 0, err
	}
	var requests int
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "requests in") {
			_, err = fmt.Sscanf(line, "%d requests", &requests)
		}
	}
	if err != nil || requests == 0 || strings.Contains(string(out), "Non-2xx") {
		return 0, fmt.Errorf("wrk saw other answers than it should:\n%s", out)
	}
	return (after - before) / time.Duration(requests), nil
}

func processorTime(pid int) (time.Duration, error) {
	p, err := procfs.NewProc(pid)
	if err != nil {
		return 0, err
	}
	stat, err := p.Stat()
	return time.Duration(stat.CPUTime() * float64(time.Second)), err
}

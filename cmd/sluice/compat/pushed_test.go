package compat

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// receivers take the metrics a program sends: of StatsD and DogStatsD at the ports 8125
// and 8126 of its address, of Graphite at 2003.
type receivers struct {
	mu  sync.Mutex
	all map[string]map[string]*received // by what sends it, and its name
	// pushes counts by what sends them how often a gauge came that is in every push
	// of who sends gauges that do not change.
	pushes map[string]int
}

// everyPush are ends of names of such gauges, of Fabio's and of Traefik's names.
var everyPush = []string{"ws.conn", "open.connections"}

// received is what came of one metric.
type received struct {
	kind  string
	sum   float64 // of counters, or the last value of a gauge
	count float64 // of durations
}

func startReceivers(t *testing.T, ip string) *receivers {
	t.Helper()
	r := &receivers{all: map[string]map[string]*received{}, pushes: map[string]int{}}
	var running sync.WaitGroup
	for name, port := range map[string]string{"statsd": "8125", "dogstatsd": "8126"} {
		socket, err := net.ListenPacket("udp", net.JoinHostPort(ip, port))
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { r.takeDatagrams(name, socket) })
		t.Cleanup(func() { socket.Close() })
	}
	l, err := net.Listen("tcp", net.JoinHostPort(ip, "2003"))
	if err != nil {
		t.Fatal(err)
	}
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { r.takeLines(conn) })
			t.Cleanup(func() { conn.Close() })
		}
	})
	t.Cleanup(func() {
		l.Close()
		go running.Wait() // a program that is killed later has its connection for so long
	})
	return r
}

func (r *receivers) takeDatagrams(from string, socket net.PacketConn) {
	packet := make([]byte, 1<<16)
	for {
		n, _, err := socket.ReadFrom(packet)
		if err != nil {
			return
		}
		for line := range strings.Lines(string(packet[:n])) {
			r.take(from, strings.TrimSpace(line))
		}
	}
}

func (r *receivers) takeLines(conn io.Reader) {
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		words := strings.Fields(lines.Text())
		kind := "c"
		if isPercentile.MatchString(words[0]) {
			kind = "percentile"
		}
		r.take("graphite", words[0]+":"+words[1]+"|"+kind)
	}
}

var isPercentile = regexp.MustCompile(`\.p\d\d$`)

// metricLine is NAME:VALUE|KIND, what is behind it, and tags.
var metricLine = regexp.MustCompile(`^(.+):([-0-9.]+)\|(\w+)(?:\|@([0-9.]+))?(?:\|#(.*))?$`)

func (r *receivers) take(from, line string) {
	m := metricLine.FindStringSubmatch(line)
	if m == nil {
		return
	}
	value, _ := strconv.ParseFloat(m[2], 64)
	rate, _ := strconv.ParseFloat(cmp.Or(m[4], "1"), 64)
	if m[3] == "percentile" && value < 0 {
		return // there was nothing
	}
	tags := strings.Split(m[5], ",")
	slices.Sort(tags)
	name := strings.TrimSpace(m[1] + " " + strings.Join(tags, ","))
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.ContainsFunc(everyPush, func(end string) bool { return strings.HasSuffix(m[1], end) }) {
		r.pushes[from]++
	}
	if r.all[from] == nil {
		r.all[from] = map[string]*received{}
	}
	one := r.all[from][name]
	if one == nil {
		one = &received{kind: m[3]}
		r.all[from][name] = one
	}
	if one.count += 1 / rate; one.kind == "g" {
		one.sum = value
	} else {
		one.sum += value
	}
}

// pushed answers what has come of metrics that hold a text: counters with their
// sum, durations with their number. It waits until pushes change nothing; or, of who
// sends nothing then, for a while.
func (r *receivers) pushed(from, text string, hidden *strings.Replacer) string {
	const more, quiet = 4, 5 * time.Second
	before, since, pushes := "", time.Now(), 0
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		now, n := r.list(from, text, hidden)
		if now != before {
			before, since, pushes = now, time.Now(), n
		}
		if now != "" && (n-pushes >= more || time.Since(since) > quiet) || time.Now().After(deadline) {
			return cmp.Or(now, "nothing")
		}
	}
}

func (r *receivers) list(from, text string, hidden *strings.Replacer) (lines string, pushes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.all[from])) {
		one := r.all[from][name]
		line := hidden.Replace(name) + " " + one.kind
		switch one.kind {
		case "c", "g":
			line += fmt.Sprintf(" %g", one.sum)
		case "ms", "h":
			line += fmt.Sprintf(" x %.0f", one.count)
		}
		if strings.Contains(line, text) && (one.kind != "c" || one.sum != 0) {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return strings.Join(all, ", "), r.pushes[from]
}

// flattened has addresses as names of metrics have them.
func flattened(all backends) *strings.Replacer {
	var pairs []string
	for name, at := range all {
		pairs = append(pairs, strings.NewReplacer(".", "_", ":", "_").Replace(at.String()), "{"+name+"}", at.String(), "{"+name+"}")
	}
	return strings.NewReplacer(pairs...)
}

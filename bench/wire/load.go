package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// load is what wrk saw in one turn.
type load struct {
	requests, errors  int
	took              time.Duration
	median, percent99 time.Duration
	generator         time.Duration // processor time wrk itself used
}

// wrkScript has wrk send what the case asks for, and print figures for us.
const wrkScript = `
%s
function done(summary, latency, requests)
  local e = summary.errors
  print(string.format("figures %%d %%d %%d %%d %%d", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.timeout + e.status))
end
`

// wrk puts load on a subject for a while.
func wrk(ctx context.Context, w workload, p plan, script string, turn time.Duration) (load, error) {
	what := ""
	url := "http://" + p.http.String() + p.route() + "/"
	if w.tls {
		url = "https://" + p.https.String() + p.route() + "/"
	}
	if w.post {
		what = fmt.Sprintf(`wrk.method = "POST"; wrk.body = string.rep(".", %d); wrk.headers["Content-Type"] = "text/plain"`, w.bytes)
		url += "post"
	} else {
		url += w.size
	}
	if err := os.WriteFile(script, fmt.Appendf(nil, wrkScript, what), 0o600); err != nil {
		return load{}, err
	}
	cmd := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprintf("-c%d", w.conns), fmt.Sprintf("-d%ds", int(turn.Seconds())),
		"--timeout", "10s", "-s", script, url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return load{}, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	l, err := parseWrk(string(out))
	l.generator = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return l, err
}

var errNoAnswer = errors.New("no request was answered")

// parseWrk finds the line of the script in what wrk printed.
func parseWrk(out string) (load, error) {
	_, line, found := strings.Cut(out, "figures ")
	if !found {
		return load{}, errors.New("wrk printed no figures:\n" + out)
	}
	var l load
	var took, median, percent99 int64 // microseconds
	if _, err := fmt.Sscanf(line, "%d %d %d %d %d", &l.requests, &took, &median, &percent99, &l.errors); err != nil {
		return load{}, fmt.Errorf("wrk's figures: %w", err)
	}
	if l.requests == 0 {
		return load{}, fmt.Errorf("%w:\n%s", errNoAnswer, out)
	}
	l.took = time.Duration(took) * time.Microsecond
	l.median, l.percent99 = time.Duration(median)*time.Microsecond, time.Duration(percent99)*time.Microsecond
	return l, nil
}

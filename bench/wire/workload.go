package main

import (
	"fmt"
	"strconv"
	"strings"
)

// workload is one kind of load. Its text form is [tls-][post-]BYTES/CONNECTIONS,
// with BYTES such as 128, 16k or 1m.
type workload struct {
	tls, post bool
	size      string // of the answer's body, or of the request's with post
	bytes     int
	conns     int
}

func (w workload) String() string {
	text := fmt.Sprintf("%s/%d", w.size, w.conns)
	if w.post {
		text = "post-" + text
	}
	if w.tls {
		text = "tls-" + text
	}
	return text
}

func parseWorkloads(list string) ([]workload, error) {
	var all []workload
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		w, err := parseWorkload(text)
		if err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

func parseWorkload(text string) (workload, error) {
	var w workload
	rest, err := text, error(nil)
	rest, w.tls = strings.CutPrefix(rest, "tls-")
	rest, w.post = strings.CutPrefix(rest, "post-")
	size, conns, _ := strings.Cut(rest, "/")
	if w.conns, err = strconv.Atoi(conns); err != nil || w.conns < 1 {
		return w, fmt.Errorf("case %q has no number of connections behind a slash", text)
	}
	w.size = size
	number, unit := size, 1
	if n, ok := strings.CutSuffix(size, "k"); ok {
		number, unit = n, 1<<10
	} else if n, ok := strings.CutSuffix(size, "m"); ok {
		number, unit = n, 1<<20
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 1<<10 {
		return w, fmt.Errorf("case %q has no size such as 128, 16k or 1m", text)
	}
	w.bytes = n * unit
	return w, nil
}

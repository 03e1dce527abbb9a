package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

// collectorCommand:
//
//	collector FILE       starts a collector of traces, sets COLLECTOR and
//	                     COLLECTOR_GRPC to its URLs, and writes a line to FILE for
//	                     each span
//	collector down|up    has it refuse spans, or take them again
func collectorCommand(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch verb := strings.Join(args, " "); {
	case len(args) != 1:
		ts.Fatalf("usage: collector FILE|down|up")
	case verb == "down", verb == "up":
		s.collector.Down.Store(verb == "down")
	default:
		file, err := os.Create(ts.MkAbs(verb))
		ts.Check(err)
		ts.Defer(func() { file.Close() })
		var mu sync.Mutex
		s.collector = tracingtest.Start(scriptTB{ts: ts}, func(span tracingtest.Span) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(file, spanLine(span))
		})
		ts.Setenv("COLLECTOR", s.collector.HTTP)
		ts.Setenv("COLLECTOR_GRPC", s.collector.GRPC)
	}
}

// spanLine is a span with all that is told of it.
func spanLine(s tracingtest.Span) string {
	line := fmt.Sprintf("%s %q trace=%s span=%s parent=%s status=%s", s.Kind, s.Name, s.TraceID, s.ID, s.ParentID, s.Status)
	for _, attributes := range []map[string]string{s.Attributes, s.Resource} {
		for _, key := range slices.Sorted(maps.Keys(attributes)) {
			line += fmt.Sprintf(" %s=%q", key, attributes[key])
		}
	}
	return line
}

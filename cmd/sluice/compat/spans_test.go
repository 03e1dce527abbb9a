package compat

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

// spansOf asks for a path as a part of a trace, and answers what the collector is told
// of it: the spans, each behind the one it is a part of.
func (a asker) spansOf(path, host string, fields []string) (string, error) {
	trace, err := a.traced(path, host, fields)
	if err != nil {
		return "", err
	}
	// When it was told of a later request, it was told of this one, too.
	later, err := a.traced("/", readyHost, nil)
	if err != nil {
		return "", err
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		spans := a.collector.Spans()
		isOver := func(s tracingtest.Span) bool { return s.TraceID == later && s.Kind == "server" }
		if slices.ContainsFunc(spans, isOver) {
			spans = slices.DeleteFunc(spans, func(s tracingtest.Span) bool { return s.TraceID != trace })
			return cmp.Or(family(spans, outerSpan), "nothing"), nil
		}
		if time.Now().After(deadline) {
			return "", errors.New("the collector was told nothing")
		}
	}
}

// outerSpan is where traces of the tests begin.
const outerSpan = "b7ad6b7169203331"

// traced makes a request and returns the trace it is a part of.
func (a asker) traced(path, host string, fields []string) (trace string, err error) {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	trace = hex.EncodeToString(id)
	request, err := http.NewRequest(http.MethodGet, "http://"+a.ip+":9999"+path, nil)
	if err != nil {
		return "", err
	}
	request.Host = host
	request.Header.Set("User-Agent", "compat")
	request.Header.Set("Traceparent", "00-"+trace+"-"+outerSpan+"-01")
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Add(name, value)
	}
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Transport.RoundTrip(request)
	if err == nil {
		resp.Body.Close()
	}
	return trace, err
}

// family are the spans that are a part of another one, with their own parts behind.
func family(spans []tracingtest.Span, parent string) string {
	var all []string
	for _, s := range spans {
		if s.ParentID != parent {
			continue
		}
		all = append(all, describeSpan(s))
		if parts := family(spans, s.ID); parts != "" {
			all = append(all, parts)
		}
	}
	return strings.Join(all, "; ")
}

func describeSpan(s tracingtest.Span) string {
	var attributes []string
	for name, value := range s.Attributes {
		switch {
		case name == "client.port" || name == "network.peer.port" && s.Kind == "server":
			value = "{port}"
		case name == "http.response.body.size":
			value = "{size}"
		}
		attributes = append(attributes, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(attributes)
	return fmt.Sprintf("%s %q %s {%s}", s.Kind, s.Name, s.Status, strings.Join(attributes, ","))
}

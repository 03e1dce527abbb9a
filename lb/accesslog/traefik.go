package accesslog

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	genericPattern = `$ClientHost - $ClientUsername [$StartUTC] "$RequestMethod $RequestPath $RequestProtocol" $DownstreamStatus $DownstreamContentSize "$request_Referer" "$request_UserAgent"`
	traefikPattern = genericPattern + ` $RequestCount "$RouterName" "$ServiceURL" $Duration`
)

// traefikMembers are the members of Traefik's JSON lines.
func traefikMembers(requests *atomic.Int64) []member {
	return []member{
		{"ClientAddr", remoteAddr},
		{"ClientHost", remoteHost},
		{"ClientPort", remotePort},
		{"ClientUsername", orDash(user)},
		{"DownstreamContentSize", sent},
		{"DownstreamStatus", status},
		{"Duration", durationNanos},
		{"OriginContentSize", ifAnswered(number(func(e *Entry) int64 { return e.TargetSent }))},
		{"OriginDuration", targetTook},
		{"OriginStatus", targetStatus},
		{"Overhead", targetOverhead},
		{"RequestAddr", authority},
		{"RequestContentSize", received},
		{"RequestCount", counter(requests)},
		{"RequestHost", authorityHost},
		{"RequestLine", line}, // not Traefik's, which does not tell of such requests
		{"RequestMethod", method},
		{"RequestPath", uri},
		{"RequestPort", orDash(authorityPort)},
		{"RequestProtocol", protocol},
		{"RequestScheme", scheme},
		{"RetryAttempts", retries},
		{"RouterName", routeProvider},
		{"ServiceAddr", targetAddress},
		{"ServiceName", serviceOrigin},
		{"ServiceURL", targetServer},
		{"SpanId", spanID},
		{"StartLocal", startLocal(time.RFC3339Nano)},
		{"StartUTC", startUTC(time.RFC3339Nano)},
		{"TLSCipher", tlsCipher},
		{"TLSClientSubject", tlsSubject},
		{"TLSVersion", tlsVersion},
		{"TraceId", traceID},
		{"entryPointName", entrypoint},
		{"level", literal(`"info","msg":""`, func(*Entry) bool { return true })}, // as its logger adds
		{"span_id", spanID},
		{"time", startUTC(time.RFC3339)},
		{"trace_id", traceID},
	}
}

var traefikHeaders = headerLayout{sets: []headerSet{
	{"downstream_", func(e *Entry) Header { return e.Answer }},
	{"origin_", func(e *Entry) Header { return e.TargetHeader }},
	{"request_", func(e *Entry) Header { return e.Header }},
}}

// uriOrLine is what was asked for, understood or not.
var uriOrLine = value{text: func(e *Entry) words {
	if e.Method == "" {
		return words{e.Line}
	}
	return words{e.Path, e.Query}
}}

// orDash is a value that is "-" when there is none.
func orDash(v value) value {
	return one(func(e *Entry) string { return cmp.Or(v.word(e), "-") })
}

// ifAnswered is a number that is there when a target has answered.
func ifAnswered(v value) value {
	return value{number: true, plain: func(dst []byte, e *Entry) []byte {
		if e.TargetStatus == 0 {
			return dst
		}
		return v.plain(dst, e)
	}}
}

// counter numbers the lines.
func counter(requests *atomic.Int64) value {
	return value{number: true, plain: func(dst []byte, _ *Entry) []byte {
		return strconv.AppendInt(dst, requests.Add(1), 10)
	}}
}

// traefikFields are what the text formats show, by the names of the JSON fields.
func traefikFields(requests *atomic.Int64) map[string]value {
	return map[string]value{
		"ClientHost":            remoteHost,
		"ClientUsername":        user,
		"StartUTC":              startUTC(clfTime),
		"RequestMethod":         method,
		"RequestPath":           uriOrLine,
		"RequestProtocol":       protocol,
		"DownstreamStatus":      status,
		"DownstreamContentSize": sent,
		"request_Referer":       referer,
		"request_UserAgent":     userAgent,
		"RequestCount":          counter(requests),
		"RouterName":            routeProvider,
		"ServiceURL":            targetServer,
		"Duration":              durationText,
	}
}

// compileTraefik makes one of Traefik's text formats. As there, header fields
// are shown only if they are kept.
func (f *Format) compileTraefik(text string, fields, headers modeSet) error {
	known := func(yield func(string) bool) {
		for _, m := range traefikMembers(nil) {
			if !yield(m.name) {
				return
			}
		}
	}
	if err := fields.only("fields", known); err != nil {
		return err
	}
	pieces, err := parsePattern(text, traefikFields(f.requests))
	if err != nil {
		return err
	}
	for i := range pieces {
		p := &pieces[i]
		if p.value.header != "" {
			p.mode = headers.ofHeader(p.value.header)
		} else {
			p.mode = fields.of(p.field)
		}
	}
	f.setPieces(slices.Clip(pieces))
	return nil
}

package accesslog

import (
	"slices"
	"sync/atomic"
	"time"
)

const (
	genericPattern = `$ClientHost - $ClientUsername [$StartUTC] "$RequestMethod $RequestPath $RequestProtocol" $DownstreamStatus $DownstreamContentSize "$request_Referer" "$request_UserAgent"`
	traefikPattern = genericPattern + ` $RequestCount "$RouterName" "$ServiceURL" $Duration`

	traefik1Pattern = genericPattern + ` $RequestCount "$FrontendName" "$BackendURL" $Duration`
)

// traefikMembers are the members of Traefik's JSON lines.
func traefikMembers(requests *atomic.Int64) []member {
	return []member{
		{name: "ClientAddr", value: remoteAddr},
		{name: "ClientHost", value: clientHost},
		{name: "ClientPort", value: remotePort},
		{name: "ClientUsername", value: orDash(claimedUser)},
		{name: "DownstreamContentSize", value: sent},
		{name: "DownstreamStatus", value: status},
		{name: "Duration", value: durationNanos},
		{name: "GzipRatio", value: gzipRatio},
		{name: "OriginContentSize", value: number(originSize)},
		{name: "OriginDuration", value: number(func(e *Entry) int64 { return int64(e.TargetTook) })},
		{name: "OriginStatus", value: number(originStatus)},
		{name: "Overhead", value: targetOverhead},
		{name: "RequestAddr", value: authority},
		{name: "RequestContentSize", value: received},
		{name: "RequestCount", value: counter(requests)},
		{name: "RequestHost", value: requestHost},
		{name: "RequestLine", value: line}, // not Traefik's, which does not tell of such requests
		{name: "RequestMethod", value: method},
		{name: "RequestPath", value: requestPath},
		{name: "RequestPort", value: orDash(authorityPort)},
		{name: "RequestProtocol", value: protocol},
		{name: "RequestScheme", value: scheme},
		{name: "RetryAttempts", value: retries},
		{name: "RouterName", value: routeProvider},
		{name: "ServiceAddr", value: targetAddress},
		{name: "ServiceName", value: serviceProvider},
		{name: "ServiceURL", value: targetServer},
		{name: "SpanId", value: spanID},
		{name: "StartLocal", value: startLocal(time.RFC3339Nano)},
		{name: "StartUTC", value: startUTC(time.RFC3339Nano)},
		{name: "TLSCipher", value: tlsCipher},
		{name: "TLSClientSubject", value: tlsSubject},
		{name: "TLSVersion", value: tlsVersion},
		{name: "TraceId", value: traceID},
		{name: "entryPointName", value: entrypoint},
		// Its logger adds these by itself.
		{name: "level", value: literal(`"info","msg":""`, func(*Entry) bool { return true }), always: true},
		{name: "span_id", value: spanID},
		{name: "time", value: startUTC(time.RFC3339), always: true},
		{name: "trace_id", value: traceID},
	}
}

// traefik1Names are what Traefik 1 calls some of the fields.
var traefik1Names = map[string]member{
	"RouterName":  {name: "FrontendName", value: frontendName},
	"ServiceName": {name: "BackendName", value: backendName},
	"ServiceURL":  {name: "BackendURL", value: targetServer},
	"ServiceAddr": {name: "BackendAddr", value: targetAddress},
}

// traefik1Members are the members of Traefik 1's JSON lines, and those that only
// its successors have.
func traefik1Members(requests *atomic.Int64) []member {
	members := traefikMembers(requests)
	for i, m := range members {
		if other, ok := traefik1Names[m.name]; ok {
			members[i] = other
		}
	}
	return members
}

// FieldsOf are the fields of a format of Traefik's that modes may name.
func FieldsOf(format string) (names []string) {
	members := traefikMembers
	if format == traefik1Text || format == traefik1JSON {
		members = traefik1Members
	}
	for _, m := range members(nil) {
		names = append(names, m.name)
	}
	return names
}

var traefikHeaders = headerLayout{sets: []headerSet{
	{"downstream_", func(e *Entry) Header { return e.Answer }},
	{"origin_", func(e *Entry) Header { return e.TargetHeader }},
	{"request_", func(e *Entry) Header { return traefikRequest{e} }},
}}

// traefikFields are what the text formats show, by the names of the JSON fields.
func traefikFields(requests *atomic.Int64) map[string]value {
	return map[string]value{
		"ClientHost":            clientHost,
		"ClientUsername":        claimedUser,
		"StartUTC":              startUTC(clfTime),
		"RequestMethod":         method,
		"RequestPath":           pathOrLine,
		"RequestProtocol":       protocol,
		"DownstreamStatus":      status,
		"DownstreamContentSize": sent,
		"request_Referer":       referer,
		"request_UserAgent":     userAgent,
		"RequestCount":          counter(requests),
		"RouterName":            routeProvider,
		"ServiceURL":            targetServer,
		"FrontendName":          frontendName,
		"BackendURL":            targetServer,
		"Duration":              durationText,
	}
}

// traefikPatterns are Traefik's text formats.
var traefikPatterns = map[string]string{traefikText: traefikPattern, traefik1Text: traefik1Pattern, genericCLF: genericPattern}

// compileTraefik makes one of Traefik's text formats. As there, header fields
// are shown only if they are kept.
func (f *Format) compileTraefik(name string, fields, headers modeSet) error {
	if err := fields.only("fields", slices.Values(FieldsOf(name))); err != nil {
		return err
	}
	pieces, err := parsePattern(traefikPatterns[name], traefikFields(f.requests))
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
	f.proxied = true
	f.setPieces(slices.Clip(pieces))
	return nil
}

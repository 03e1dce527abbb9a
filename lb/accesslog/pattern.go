package accesslog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

const (
	commonPattern   = `$remote_host - $remote_user [$time_common] "$request" $response_status $response_body_size`
	combinedPattern = commonPattern + ` "$header.Referer" "$header.User-Agent"`
)

// patternFields are the fields of patterns: those of Fabio, and behind the gap
// what it does not have.
var patternFields = map[string]value{
	"remote_addr":             remoteAddr,
	"remote_host":             remoteHost,
	"remote_port":             remotePort,
	"request":                 request,
	"request_args":            query,
	"request_host":            authority,
	"request_method":          method,
	"request_scheme":          scheme,
	"request_uri":             uri,
	"request_url":             url,
	"request_proto":           protocol,
	"response_body_size":      sent,
	"response_status":         status,
	"response_time_ms":        seconds(3),
	"response_time_us":        seconds(6),
	"response_time_ns":        seconds(9),
	"time_rfc3339":            startUTC("2006-01-02T15:04:05Z"),
	"time_rfc3339_ms":         startUTC("2006-01-02T15:04:05.000Z"),
	"time_rfc3339_us":         startUTC("2006-01-02T15:04:05.000000Z"),
	"time_rfc3339_ns":         startUTC("2006-01-02T15:04:05.000000000Z"),
	"time_unix_ms":            number(func(e *Entry) int64 { return e.Start.UnixMilli() }),
	"time_unix_us":            number(func(e *Entry) int64 { return e.Start.UnixMicro() }),
	"time_unix_ns":            number(func(e *Entry) int64 { return e.Start.UnixNano() }),
	"time_common":             startLocal(clfTime),
	"upstream_addr":           targetAddress,
	"upstream_host":           targetHost,
	"upstream_port":           targetPort,
	"upstream_service":        service,
	"upstream_request_scheme": targetScheme,
	"upstream_request_uri":    targetURI,
	"upstream_request_url":    targetFullURL,

	"entrypoint":              entrypoint,
	"error":                   failure,
	"remote_user":             user,
	"request_body_size":       received,
	"route":                   route,
	"tls_cipher":              tlsCipher,
	"tls_version":             tlsVersion,
	"tries":                   tries,
	"upstream_header_time_ms": targetWaitMs,
	"upstream_status":         targetStatus,
	"upstream_time_ms":        targetTookMs,
}

// piece is a literal and the value behind it.
type piece struct {
	literal string
	field   string // its name; empty if there is no value
	value   value
	style   style
	mode    mode
}

// parsePattern takes a pattern apart.
func parsePattern(text string, fields map[string]value) ([]piece, error) {
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return nil, fmt.Errorf("pattern %q holds a control byte", text)
		}
	}
	// Quotes are counted on, for what is between them may hold spaces.
	isJSON, quoted := strings.HasPrefix(text, "{"), false
	var pieces []piece
	for rest := text; rest != ""; {
		literal, field, found := strings.Cut(rest, "$")
		quoted = quoted != (strings.Count(literal, `"`)%2 == 1)
		if !found {
			return append(pieces, piece{literal: literal}), nil
		}
		name := fieldName(field)
		v, err := fieldValue(name, fields)
		if err != nil {
			return nil, fmt.Errorf("pattern: %w", err)
		}
		p := piece{literal: literal, field: name, value: v}
		switch {
		case isJSON:
			p.style = inJSON
		case quoted:
			p.style = inQuotes
		}
		pieces, rest = append(pieces, p), field[len(name):]
	}
	return pieces, nil
}

const headerPrefix = "header."

// fieldName is the name of a field at the start of s.
func fieldName(s string) string {
	n := 0
	for n < len(s) && isFieldByte(s[n]) {
		n++
	}
	if !strings.HasPrefix(s[n:], ".") || s[:n] != "header" {
		return s[:n]
	}
	for n++; n < len(s) && (isFieldByte(s[n]) || s[n] == '-'); n++ {
	}
	return s[:n]
}

func isFieldByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

func fieldValue(name string, fields map[string]value) (value, error) {
	if header, ok := strings.CutPrefix(name, headerPrefix); ok && header != "" {
		return value{header: header}, nil
	}
	if v, ok := fields[name]; ok {
		return v, nil
	}
	switch name {
	case "":
		return value{}, errors.New(`a "$" has no name of a field behind it`)
	case "header", headerPrefix:
		return value{}, errors.New("$header needs a name, as in $header.User-Agent")
	}
	return value{}, fmt.Errorf("unknown field $%s%s", name, nearest.Hint(name, "$", maps.Keys(fields)))
}

// compilePattern makes the format of a pattern.
func (f *Format) compilePattern(text string, headers modeSet) error {
	pieces, err := parsePattern(text, patternFields)
	if err != nil {
		return err
	}
	for i := range pieces {
		if name := pieces[i].value.header; name != "" {
			pieces[i].mode = headers.shown(name)
		}
	}
	f.setPieces(pieces)
	return nil
}

func (f *Format) setPieces(pieces []piece) {
	f.headers = slices.ContainsFunc(pieces, func(p piece) bool { return p.value.header != "" && p.mode != drop })
	f.append = func(dst []byte, e *Entry) []byte {
		for i := range pieces {
			dst = pieces[i].append(dst, e)
		}
		return dst
	}
}

func (p *piece) append(dst []byte, e *Entry) []byte {
	dst = append(dst, p.literal...)
	if p.field == "" {
		return dst
	}
	before := len(dst)
	if p.mode != drop {
		dst = p.value.append(dst, e, p.style)
	}
	switch {
	case len(dst) > before && p.mode == redact:
		return append(dst[:before], redacted...)
	case len(dst) > before:
		return dst
	case p.value.number && p.style == inJSON:
		return append(dst, '0')
	}
	return append(dst, '-')
}

package accesslog

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Format makes lines of entries. Its methods may be called from any goroutine.
type Format struct {
	append  func(dst []byte, e *Entry) []byte
	headers bool // it shows header fields of requests
	answers bool // and those of answers
	proxied bool // and whom proxies speak for
	// requests counts the lines of a format that numbers them.
	requests *atomic.Int64
}

// The names of formats; anything else with a "$" in it is a pattern.
const (
	common      = "common"
	combined    = "combined"
	jsonLines   = "json"
	traefikText = "traefik"
	traefikJSON = "traefik-json"
	genericCLF  = "generic-clf"

	traefik1Text = "traefik1"
	traefik1JSON = "traefik1-json"
)

// Formats are the names [ParseFormat] knows.
func Formats() []string {
	return []string{jsonLines, common, combined, traefikText, traefikJSON, traefik1Text, traefik1JSON, genericCLF}
}

// ParseFormat compiles a format by its name, or a pattern in the field language
// of Fabio, such as
//
//	$remote_host "$request" $response_status $response_time_ms "$header.X-Request-Id"
//
// A pattern that starts with "{" is taken for a JSON object: values in it are
// escaped as in JSON strings.
//
// fields and headers say which values are shown. The names of fields are those
// of the format; patterns, common and combined have exactly the fields they
// name. By default all fields are kept and all headers dropped, but for those
// the format names. Header fields that may hold secrets (Authorization, Cookie,
// and what has token, secret, passw, api-key, credential or session in its name)
// are redacted unless headers lists them under Keep.
func ParseFormat(text string, fields, headers Modes) (*Format, error) {
	fieldModes, err := fields.compile("fields", keep)
	if err != nil {
		return nil, err
	}
	headerModes, err := headers.compile("headers", drop)
	if err != nil {
		return nil, err
	}
	f := &Format{requests: new(atomic.Int64)}
	switch {
	case text == jsonLines:
		return f, f.compileJSON(ownMembers(), ownHeaders, fieldModes, headerModes)
	case text == traefikJSON:
		f.proxied = true
		return f, f.compileJSON(traefikMembers(f.requests), traefikHeaders, fieldModes, headerModes)
	case text == traefik1JSON:
		f.proxied = true
		return f, f.compileJSON(traefik1Members(f.requests), traefikHeaders, fieldModes, headerModes)
	case traefikPatterns[text] != "":
		return f, f.compileTraefik(text, fieldModes, headerModes)
	case fields.Default != "" || len(fieldModes.named) > 0:
		return nil, fmt.Errorf("fields: the format %s has the fields it names; modes are for %s and those of Traefik", text, jsonLines)
	case text == common:
		return f, f.compilePattern(commonPattern, headerModes)
	case text == combined:
		return f, f.compilePattern(combinedPattern, headerModes)
	case strings.Contains(text, "$"):
		return f, f.compilePattern(text, headerModes)
	}
	return nil, fmt.Errorf("format %q is none of %s, and no pattern such as '$remote_host \"$request\"'%s",
		text, strings.Join(Formats(), ", "), nearest.Hint(text, "", slices.Values(Formats())))
}

// Append appends the line of an entry, with its line feed.
func (f *Format) Append(dst []byte, e *Entry) []byte { return append(f.append(dst, e), '\n') }

// ShowsRequestHeader reports whether [Entry.Header] is looked at, and
// ShowsAnswerHeader whether Answer and TargetHeader are.
func (f *Format) ShowsRequestHeader() bool { return f.headers }

// ShowsAnswerHeader is as [Format.ShowsRequestHeader].
func (f *Format) ShowsAnswerHeader() bool { return f.answers }

// ShowsForwardedFor is the same of [Entry.ForwardedFor].
func (f *Format) ShowsForwardedFor() bool { return f.proxied }

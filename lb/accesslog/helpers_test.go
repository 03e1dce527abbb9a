package accesslog

import (
	"crypto/tls"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// lines is a [Header] of name and value in turn.
type lines []string

func (l lines) Len() int                      { return len(l) / 2 }
func (l lines) Line(i int) (name, val string) { return l[2*i], l[2*i+1] }

// served is an entry that has something of everything.
func served() *Entry {
	return &Entry{
		Start:      time.Date(2024, 3, 9, 7, 5, 6, 123456789, time.FixedZone("", 3600)),
		Duration:   12_345_678 * time.Nanosecond,
		Entrypoint: "web", User: "ann",
		Remote: netip.MustParseAddrPort("[::ffff:192.0.2.7]:40001"), Local: netip.MustParseAddrPort("192.0.2.1:443"),
		Protocol: "HTTP/2.0", Scheme: "https", Method: "POST", Authority: "shop.test:8443",
		Path: "/cart/./%41", CleanPath: "/cart/%41", Query: "?a=1&b=2",
		Header: lines{
			"user-agent", "curl/8", "referer", "https://shop.test/", "X-List", "one", "x-list", "two",
			"Authorization", "Bearer planted", "Cookie", "planted=1", "X-Vault-Token", "planted",
		},
		Forwarded: lines{
			"Host", "shop.test:8443", "connection", "close", "user-agent", "curl/8", "referer", "https://shop.test/", "X-List", "one", "x-list", "two",
			"X-Forwarded-For", "198.51.100.1, 192.0.2.7", "Authorization", "Bearer planted", "X-Real-Ip", "198.51.100.1",
		},
		ForwardedFor: "198.51.100.1",
		TLS:          &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256},
		Status:       201, Sent: 2048, Received: 17,
		Answer: lines{"Content-Type", "text/html", "Set-Cookie", "planted=2"},
		Route:  "shop", Dialect: "traefik", Service: "shop-v2", Tries: 3, Retries: 2, Pool: "shop-pool@traefik",
		TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331",
		TargetScheme: "http", TargetAddress: "10.0.0.5:8080", TargetPath: "/%41", TargetQuery: "?a=1&b=2",
		TargetStatus: 201, TargetSent: 4096, TargetWait: 9_000_400 * time.Nanosecond, TargetTook: 11 * time.Millisecond,
		TargetHeader: lines{"Content-Type", "text/plain", "Server", "app"},
	}
}

// unrouted is one that no route was found for.
func unrouted() *Entry {
	return &Entry{
		Start: served().Start, Duration: 45 * time.Microsecond, Entrypoint: ":9999",
		Remote: netip.MustParseAddrPort("[2001:db8::1]:5000"), Claimed: "mallory",
		Protocol: "HTTP/1.1", Scheme: "http", Method: "GET", Authority: "[2001:db8::2]", Path: "/",
		Header: lines{}, Status: 404, Sent: 19,
	}
}

// refused is one that was no request.
func refused() *Entry {
	return &Entry{
		Start: served().Start, Entrypoint: "web", Remote: netip.MustParseAddrPort("192.0.2.7:40001"), Scheme: "http",
		Line: "GET /a b\x00 HTTP/1.1", Status: 400, Err: errors.New("request-line: the first line is none"),
	}
}

// hostile is one of a client that wants to write lines of its own.
func hostile(text string) *Entry {
	return &Entry{
		Start: served().Start, Entrypoint: text, User: text, Protocol: text, Scheme: text, Method: text, Authority: text,
		Path: text, CleanPath: text, Query: text, ForwardedFor: text, Claimed: text, Pool: text + "@file", Forwarded: lines{text, text, "X-" + text, text}, Header: lines{"User-Agent", text, "Referer", text, "X-" + text, text, text, text},
		Status: 200, Answer: lines{"A", text, text, text}, Route: text, Dialect: text, Service: text,
		TargetScheme: text, TargetAddress: text, TargetPath: text, TargetQuery: text, TargetHeader: lines{text, text},
		Err: errors.New(text),
	}
}

const (
	attack     = "x\"\\ \r\n\x1b[2J\x00\x7f\xff\u0085\u009b\u2028é\"} {\"status\":200"
	everything = `$remote_addr $remote_port $request_args $request_host $request_method $request_scheme $request_url $request_proto ` +
		`$response_time_ms $response_time_us $response_time_ns $time_rfc3339 $time_rfc3339_ms $time_rfc3339_us $time_rfc3339_ns ` +
		`$time_unix_ms $time_unix_us $time_unix_ns $upstream_addr $upstream_host $upstream_port $upstream_service ` +
		`$upstream_request_scheme $upstream_request_uri "$upstream_request_url" $header.X-List $header.Authorization ` +
		`$entrypoint $error $request_body_size $route $tls_cipher $tls_version $tries $upstream_header_time_ms $upstream_status $upstream_time_ms $request`
	jsonPattern = `{"who":"$remote_host","what":"$request","agent":"$header.User-Agent","status":$response_status,"up":$upstream_status}`
)

func mustFormat(t testing.TB, text string, fields, headers Modes) *Format {
	t.Helper()
	f, err := ParseFormat(text, fields, headers)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

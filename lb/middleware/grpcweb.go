package middleware

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// grpcWeb lets browsers call gRPC. They can neither send nor see trailers, so that
// in gRPC-Web these are the last message of an answer, and all may be text:
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md.
type grpcWeb struct {
	origins []string
	all     bool // origins
}

const (
	typeGRPC        = "application/grpc"
	typeGRPCWeb     = "application/grpc-web"
	typeGRPCWebText = "application/grpc-web-text"
	// preflightAge is how long a browser need not ask again, in seconds.
	preflightAge = "600"
)

func newGRPCWeb(s *spec.GRPCWeb) *grpcWeb {
	return &grpcWeb{origins: s.AllowOrigins, all: slices.Contains(s.AllowOrigins, "*")}
}

// Serve implements [lb.Middleware].
func (g *grpcWeb) Serve(x *lb.Exchange, next lb.Handler) {
	if isGRPCWebPreflight(x) {
		g.answerPreflight(x)
		return
	}
	kind, suffix := grpcWebType(x.Header.Get("Content-Type"))
	if kind == "" || x.Request.Method != http.MethodPost {
		next.Serve(x)
		return
	}
	x.Header.Set("Content-Type", typeGRPC+suffix)
	x.Header.Del("Content-Length")
	if x.Trailer == nil { // the upstream's are wanted
		x.Trailer = func() *lb.Header { return &lb.Header{} }
	}
	r := &grpcWebReply{Reply: x.Reply, kind: kind, origin: g.allowed(x)}
	if kind == typeGRPCWebText {
		r.newEncoder()
		if x.Body != nil {
			x.Body, x.Length = &base64Body{from: x.Body}, -1
		}
	}
	x.Reply = r
	next.Serve(x)
	x.Reply = r.Reply
}

// grpcWebType takes a content type apart: into one of the two of gRPC-Web, or
// nothing, and what is behind that.
func grpcWebType(contentType string) (kind, suffix string) {
	for _, kind := range []string{typeGRPCWebText, typeGRPCWeb} {
		if suffix, ok := cutType(contentType, kind); ok {
			return kind, suffix
		}
	}
	return "", ""
}

// cutType cuts a type in front of its message format ("+proto") and parameters.
func cutType(contentType, kind string) (suffix string, ok bool) {
	if len(contentType) < len(kind) || !strings.EqualFold(contentType[:len(kind)], kind) {
		return "", false
	}
	suffix = contentType[len(kind):]
	return suffix, suffix == "" || strings.ContainsAny(suffix[:1], "+; ")
}

// isGRPCWebPreflight reports whether a browser asks (CORS) if it may call. All
// clients say X-Grpc-Web, which makes their browser ask.
func isGRPCWebPreflight(x *lb.Exchange) bool {
	return x.Request.Method == http.MethodOptions && x.Header.Has("Access-Control-Request-Method") &&
		strings.Contains(strings.ToLower(x.Header.Get("Access-Control-Request-Headers")), "x-grpc-web")
}

func (g *grpcWeb) answerPreflight(x *lb.Exchange) {
	h := &lb.Header{}
	for _, name := range []string{"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"} {
		h.Add("Vary", name)
	}
	if origin := g.allowed(x); origin != "" && x.Header.Get("Access-Control-Request-Method") == http.MethodPost {
		h.Add("Access-Control-Allow-Origin", origin)
		h.Add("Access-Control-Allow-Methods", http.MethodPost)
		h.Add("Access-Control-Allow-Headers", canonicalNames(x.Header.Get("Access-Control-Request-Headers")))
		h.Add("Access-Control-Allow-Credentials", "true")
		h.Add("Access-Control-Max-Age", preflightAge)
	}
	x.Answer(http.StatusOK, h, "")
}

func canonicalNames(list string) string {
	names := strings.Split(list, ",")
	for i, name := range names {
		names[i] = http.CanonicalHeaderKey(strings.TrimSpace(name))
	}
	return strings.Join(names, ", ")
}

// allowed is the origin of the request, if it is one that may call.
func (g *grpcWeb) allowed(x *lb.Exchange) string {
	origin := x.Header.Get("Origin")
	if origin != "" && (g.all || slices.Contains(g.origins, origin)) {
		return origin
	}
	return ""
}

// grpcWebReply translates the answer, if it is one of gRPC: others, errors above
// all, speak for themselves.
type grpcWebReply struct {
	lb.Reply
	kind    string // of the request, and of the answer
	origin  string // that may see it, or empty
	gRPC    bool
	encoder io.WriteCloser // nil unless all is text
}

func (r *grpcWebReply) newEncoder() { r.encoder = base64.NewEncoder(base64.StdEncoding, r.Reply) }

// Begin implements [lb.Reply].
func (r *grpcWebReply) Begin(status int, h *lb.Header, length int64) error {
	var suffix string
	if suffix, r.gRPC = cutType(h.Get("Content-Type"), typeGRPC); r.gRPC {
		h.Set("Content-Type", r.kind+suffix)
		length = -1
	}
	h.Append("Vary", "Origin")
	if r.origin != "" {
		h.Set("Access-Control-Expose-Headers", exposed(h))
		h.Set("Access-Control-Allow-Origin", r.origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return r.Reply.Begin(status, h, length)
}

// exposed lists the fields a browser may show its program: all.
func exposed(h *lb.Header) string {
	var names []string
	for name := range h.All() {
		names = append(names, http.CanonicalHeaderKey(name))
	}
	slices.Sort(names)
	names = append(slices.Compact(names), "grpc-status", "grpc-message")
	return strings.Join(names, ", ")
}

// Write implements [lb.Reply].
func (r *grpcWebReply) Write(p []byte) (int, error) {
	if r.gRPC && r.encoder != nil {
		return r.encoder.Write(p)
	}
	return r.Reply.Write(p)
}

// Flush implements [lb.Reply]. Text is padded then, as it may be anywhere.
func (r *grpcWebReply) Flush() error {
	if err := r.endText(); err != nil {
		return err
	}
	return r.Reply.Flush()
}

func (r *grpcWebReply) endText() error {
	if !r.gRPC || r.encoder == nil {
		return nil
	}
	err := r.encoder.Close()
	r.newEncoder()
	return err
}

// End implements [lb.Reply]. Without trailers the status is in the head already.
func (r *grpcWebReply) End(trailer *lb.Header) error {
	if !r.gRPC {
		return r.Reply.End(trailer)
	}
	if trailer != nil && trailer.Len() > 0 {
		if _, err := r.Write(trailerMessage(trailer)); err != nil {
			return err
		}
	}
	if err := r.endText(); err != nil {
		return err
	}
	return r.Reply.End(nil)
}

// trailerMessage is a message of fields, which a bit tells from others.
func trailerMessage(trailer *lb.Header) []byte {
	const ofTrailers, headLength = 0x80, 5
	message := make([]byte, headLength, 128)
	for name, value := range trailer.All() {
		message = append(message, strings.ToLower(name)...)
		message = append(append(append(message, ": "...), value...), "\r\n"...)
	}
	message[0] = ofTrailers
	binary.BigEndian.PutUint32(message[1:], uint32(len(message)-headLength)) //nolint:gosec // heads have limits far below
	return message
}

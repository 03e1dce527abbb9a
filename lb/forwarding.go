package lb

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Forwarding says what upstreams and clients are told beside what they are
// always told. The zero value adds nothing.
type Forwarding struct {
	// ClientIPField is a field that holds the client's address alone, whatever the
	// client sent; empty is none.
	ClientIPField string
	// RequestIDField is a field that holds a UUID made for the request.
	RequestIDField string
	// TLSField is a field that holds TLSValue if the client's connection is
	// encrypted, and is removed if it is not.
	TLSField, TLSValue string
	// KeepForwardedFor leaves X-Forwarded-For as a trusted proxy sent it; else the
	// proxy's address is added to the list.
	KeepForwardedFor bool
	// By is this load balancer's own address in Forwarded, in place of the one the
	// client connected to.
	By netip.Addr
	// Details adds httpproto, tlsver and tlscipher to Forwarded.
	Details bool
	// StrictTransport is the value of Strict-Transport-Security in answers over
	// TLS that have none of their own; see [StrictTransport].
	StrictTransport string
}

// StrictTransport is the value of Strict-Transport-Security (RFC 6797 §6.1).
func StrictTransport(seconds int, subdomains, preload bool) string {
	value := "max-age=" + strconv.Itoa(seconds)
	if subdomains {
		value += "; includeSubDomains"
	}
	if preload {
		value += "; preload"
	}
	return value
}

func (f *Forwarding) validate() error {
	for _, name := range f.fields() {
		if !isFieldName(name) {
			return fmt.Errorf("forwarding: %q cannot be the name of a field", name)
		}
		if slices.ContainsFunc([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection"},
			func(n string) bool { return strings.EqualFold(n, name) }) {
			return fmt.Errorf("forwarding: the field %s has a meaning of its own", name)
		}
	}
	if strings.ContainsFunc(f.TLSValue, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fmt.Errorf("forwarding: %q cannot be the value of a field", f.TLSValue)
	}
	if f.TLSField != "" && f.TLSValue == "" {
		return fmt.Errorf("forwarding: the field %s has no value to be set to", f.TLSField)
	}
	return nil
}

// fields are the names of those that are configured.
func (f *Forwarding) fields() []string {
	return slices.DeleteFunc([]string{f.ClientIPField, f.RequestIDField, f.TLSField}, func(name string) bool { return name == "" })
}

func isFieldName(name string) bool {
	const token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	return name != "" && strings.Trim(name, token) == ""
}

// setConfigured sets the fields that are configured. No client can set them.
func (f *Forwarding) setConfigured(x *Exchange, client string) {
	if f.ClientIPField != "" {
		x.Header.Set(f.ClientIPField, client)
	}
	if f.RequestIDField != "" {
		x.Header.Set(f.RequestIDField, newUUID())
	}
	if f.TLSField != "" && x.TLS != nil {
		x.Header.Set(f.TLSField, f.TLSValue)
	}
}

// newUUID is a random one (RFC 9562 §5.4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := hex.EncodeToString(b[:])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// details are further parameters for the Forwarded field, as Fabio has them.
func (f *Forwarding) details(x *Exchange) string {
	if !f.Details {
		return ""
	}
	// Quoted, for a slash may not stand in a token.
	text := ";httpproto=\"" + strings.ToLower(x.Protocol) + "\""
	if x.TLS != nil {
		version := strings.ReplaceAll(strings.ToLower(tls.VersionName(x.TLS.Version)), " ", "")
		text += fmt.Sprintf(";tlsver=%s;tlscipher=0x%04x", strings.ReplaceAll(version, ".", ""), x.TLS.CipherSuite)
	}
	return text
}

// forwardedProto is the scheme the client spoke by what a proxy says in
// Forwarded; empty if it does not say.
func forwardedProto(h *Header) string {
	for element := range h.Tokens("Forwarded") {
		for parameter := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
			if !strings.EqualFold(name, "proto") {
				continue
			}
			switch value = strings.ToLower(strings.Trim(value, `"`)); value {
			case "http", "https":
				return value
			}
		}
	}
	return ""
}

// strictTransport adds its field to the answer.
type strictTransport struct {
	Reply
	value string
}

// Begin implements [Reply].
func (r *strictTransport) Begin(status int, h *Header, length int64) error {
	setMissing(h, "Strict-Transport-Security", r.value)
	return r.Reply.Begin(status, h, length)
}

// Upgrade implements [Reply].
func (r *strictTransport) Upgrade(protocol string, h *Header) (io.ReadWriteCloser, error) {
	setMissing(h, "Strict-Transport-Security", r.value)
	return r.Reply.Upgrade(protocol, h)
}

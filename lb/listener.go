package lb

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Listener says where and how the server accepts connections. Its text form is
// "ADDR[;key=value…]"; see [ParseListener].
type Listener struct {
	// Name is what routes call it; empty if it was not given one.
	Name string
	// Address is [host]:port; port 0 takes a free one.
	Address string
	// Proto is what is spoken: "http", or "https" with CertFile and KeyFile.
	Proto string
	// CertFile and KeyFile are PEM files; the key may be in the CertFile's.
	CertFile string
	KeyFile  string

	// The timeouts of this listener; 0 stands for the server's. See [Timeouts].
	ReadTimeout  time.Duration
	WriteTimeout time.Duration
	IdleTimeout  time.Duration
}

// What a listener's text may hold, and what other load balancers have there
// that this one does not know yet: a clear "not yet" is better than "unknown".
var (
	listenerKeys  = []string{"name", "proto", "cert", "key", "rt", "wt", "it"}
	listenerLater = []string{
		"cs", "strictmatch", "tlsmin", "tlsmax", "tlsciphers", "pxyproto", "pxytimeout", "refresh",
	}
	protocols      = []string{"http", "https"}
	protocolsLater = []string{"tcp", "tcp+sni", "https+tcp+sni", "tcp-dynamic", "grpc", "grpcs", "prometheus"}
)

// ParseListener reads "ADDR[;key=value…]", the listener notation Fabio's users
// know: ":9999", "127.0.0.1:8443;name=web;cert=/etc/web.pem;key=/etc/web.key".
//
//	name       what routes call the listener
//	proto      http (default), or https (default with cert)
//	cert, key  PEM files; key may be left out if it is in the cert's file
//	rt, wt, it read, write and idle timeout, such as 30s; see [Timeouts]
func ParseListener(text string) (Listener, error) {
	address, options, _ := strings.Cut(text, ";")
	l := Listener{Address: strings.TrimSpace(address)}
	err := checkAddress(l.Address)
	seen := map[string]bool{}
	for option := range strings.SplitSeq(options, ";") {
		if option = strings.TrimSpace(option); option == "" || err != nil {
			continue
		}
		key, value, ok := strings.Cut(option, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case !ok || value == "":
			err = fmt.Errorf("%q is not of the form key=value", option)
		case seen[key]:
			err = fmt.Errorf("%q is given twice", key)
		default:
			err = l.set(key, value)
		}
		seen[key] = true
	}
	if err == nil {
		err = l.complete()
	}
	if err != nil {
		return Listener{}, fmt.Errorf("listener %q: %w", text, err)
	}
	return l, nil
}

// String is the text form, which ParseListener reads back.
func (l Listener) String() string {
	var b strings.Builder
	b.WriteString(l.Address)
	for _, option := range []struct{ key, value string }{
		{"name", l.Name},
		{"proto", l.Proto},
		{"cert", l.CertFile},
		{"key", l.KeyFile},
		{"rt", duration(l.ReadTimeout)},
		{"wt", duration(l.WriteTimeout)},
		{"it", duration(l.IdleTimeout)},
	} {
		if option.value != "" {
			b.WriteString(";" + option.key + "=" + option.value)
		}
	}
	return b.String()
}

func (l *Listener) set(key, value string) (err error) {
	switch key {
	case "name":
		l.Name = value
	case "proto":
		l.Proto, err = parseProto(value)
	case "cert":
		l.CertFile = value
	case "key":
		l.KeyFile = value
	case "rt":
		l.ReadTimeout, err = parseTimeout(key, value)
	case "wt":
		l.WriteTimeout, err = parseTimeout(key, value)
	case "it":
		l.IdleTimeout, err = parseTimeout(key, value)
	default:
		err = unknown("key", key, listenerKeys, listenerLater)
	}
	return err
}

// complete fills in what follows from the rest, and checks that it fits.
func (l *Listener) complete() error {
	if l.Proto == "" {
		l.Proto = "http"
		if l.CertFile != "" {
			l.Proto = "https"
		}
	}
	switch {
	case l.Proto == "https" && l.CertFile == "":
		return errors.New("proto=https needs cert=FILE (and key=FILE unless the key is in that file)")
	case l.Proto == "http" && (l.CertFile != "" || l.KeyFile != ""):
		return errors.New("cert and key are for TLS, but proto is http")
	case l.CertFile != "" && l.KeyFile == "":
		l.KeyFile = l.CertFile
	}
	return nil
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return errors.New("the address is not of the form [host]:port, such as :9999, 127.0.0.1:9999 or [::1]:9999")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("port %q is not a number from 0 to 65535", port)
	}
	return nil
}

func parseProto(value string) (string, error) {
	if slices.Contains(protocols, value) {
		return value, nil
	}
	return "", unknown("proto", value, protocols, protocolsLater)
}

func parseTimeout(key, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%s=%s is not a duration above 0, such as 30s", key, value)
	}
	return d, nil
}

func unknown(kind, word string, known, later []string) error {
	supported := "supported: " + strings.Join(known, ", ")
	if slices.Contains(later, word) {
		return fmt.Errorf("%s %q is not supported yet; %s", kind, word, supported)
	}
	return fmt.Errorf("unknown %s %q%s (%s)", kind, word, nearest.Hint(word, "", slices.Values(known)), supported)
}

func duration(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

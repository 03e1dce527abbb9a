package listener

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/notation"
	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// field is a key of a listener's text and the field it stands for.
type field struct {
	name string
	fieldValue
}

// fieldValue is a field of a listener as text, which is empty for the zero
// value.
type fieldValue interface {
	parse(text string) error
	String() string
}

// keys are bound to the fields of l.
func (l *Listener) keys() []field {
	return []field{
		{"name", (*textValue)(&l.Name)},
		{"mode", (*modeValue)(&l.SocketMode)},
		{"owner", (*textValue)(&l.SocketOwner)},
		{"proto", (*protoValue)(l)},
		{"cert", (*textValue)(&l.CertFile)},
		{"key", (*textValue)(&l.KeyFile)},
		{"cs", (*textValue)(&l.CertSource)},
		{"certresolver", (*textValue)(&l.CertResolver)},
		{"clientca", (*textValue)(&l.ClientCA)},
		{"strictmatch", (*switchValue)(&l.StrictSNI)},
		{"snihost", (*sniHostValue)(&l.SNIHost)},
		{"tlsmin", (*versionValue)(&l.TLSMin)},
		{"tlsmax", (*versionValue)(&l.TLSMax)},
		{"tlsciphers", (*ciphersValue)(&l.TLSCiphers)},
		{"tlsoptions", (*textValue)(&l.TLSOptions)},
		{"http3", (*switchValue)(&l.HTTP3)},
		{"http3port", (*portValue)(&l.HTTP3Port)},
		{"pxyproto", (*proxyValue)(&l.Proxied)},
		{"pxytimeout", (*durationValue)(&l.ProxyTimeout)},
		{"pxyfrom", (*prefixesValue)(&l.ProxyFrom)},
		{"ht", (*durationValue)(&l.HeaderTimeout)},
		{"rt", (*durationValue)(&l.ReadTimeout)},
		{"wt", (*durationValue)(&l.WriteTimeout)},
		{"it", (*durationValue)(&l.IdleTimeout)},
		{"maxconn", (*countValue)(&l.MaxConns)},
		{"maxconnperip", (*countValue)(&l.MaxConnsPerClient)},
		{"maxheader", (*countValue)(&l.MaxHeaderBytes)},
		{"maxfields", (*countValue)(&l.MaxHeaderFields)},
		{"maxbody", (*bytesValue)(&l.MaxBodyBytes)},
		{"maxrequests", (*countValue)(&l.MaxRequests)},
		{"maxage", (*durationValue)(&l.MaxConnAge)},
		{"tracing", tracingValue{l}},
		{"middlewares", (*namesValue)(&l.Middlewares)},
		{"redirect", (*textValue)(&l.RedirectTo)},
		{"refresh", (*durationValue)(&l.Refresh)},
	}
}

func keyNames(keys []field) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

type (
	textValue     string
	modeValue     fs.FileMode
	protoValue    Listener
	switchValue   bool
	versionValue  uint16
	ciphersValue  []uint16
	sniHostValue  SNIHostMode
	proxyValue    ProxyMode
	durationValue time.Duration
	prefixesValue []netip.Prefix
	namesValue    []string
	countValue    int
	bytesValue    int64
	portValue     uint16
)

func (v *textValue) parse(text string) error { *v = textValue(text); return nil }
func (v *textValue) String() string          { return string(*v) }

func (v *modeValue) parse(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("mode=%s is not a mode such as 0660", text)
	}
	*v = modeValue(n)
	return nil
}

func (v *modeValue) String() string {
	if *v == 0 {
		return ""
	}
	return fmt.Sprintf("%04o", uint32(*v))
}

var (
	protocols = []string{
		ProtoHTTP, ProtoHTTPS, ProtoTCP, ProtoSNI, ProtoHTTPSAndSNI, ProtoTCPDynamic, ProtoUDP,
	}
	// callProtocols are what calls are spoken over.
	callProtocols = map[string]string{"grpc": ProtoHTTP, "grpcs": ProtoHTTPS}
)

func (v *protoValue) parse(text string) error {
	switch {
	case text == "prometheus":
		return errors.New("proto=prometheus: metrics are served by the admin listener, under /metrics (see -admin), and without TLS at admin.metrics_listen")
	case callProtocols[text] != "":
		v.Proto, v.Calls = callProtocols[text], true
		return nil
	case !slices.Contains(protocols, text):
		return notation.Unknown("proto", text, protocols)
	}
	v.Proto = text
	return nil
}

func (v *protoValue) String() string {
	for name, proto := range callProtocols {
		if v.Calls && v.Proto == proto {
			return name
		}
	}
	return v.Proto
}

func (v *switchValue) parse(text string) error {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q is not true or false", text)
	}
	*v = switchValue(b)
	return nil
}

func (v *switchValue) String() string {
	if *v {
		return "true"
	}
	return ""
}

func (v *versionValue) parse(text string) error {
	version, err := tlsconf.ParseVersion(text)
	*v = versionValue(version)
	return err
}

func (v *versionValue) String() string {
	if *v == 0 {
		return ""
	}
	return tlsconf.FormatVersion(uint16(*v))
}

func (v *ciphersValue) parse(text string) (err error) {
	*v, err = tlsconf.ParseCiphers(strings.Join(list(text), ","))
	return err
}

func (v *ciphersValue) String() string { return tlsconf.FormatCiphers(*v) }

func (v *sniHostValue) parse(text string) error {
	same, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("snihost=%s is not true or false", text)
	}
	*v = sniHostValue(strconv.FormatBool(same))
	return nil
}

func (v *sniHostValue) String() string { return string(*v) }

func (v *proxyValue) parse(text string) error {
	if text == string(ProxyRequired) {
		*v = proxyValue(ProxyRequired)
		return nil
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("pxyproto=%s is not true, required or false", text)
	}
	if *v = proxyValue(ProxyNone); on {
		*v = proxyValue(ProxyOptional)
	}
	return nil
}

func (v *proxyValue) String() string { return string(*v) }

// tracingValue is two fields of a listener.
type tracingValue struct{ *Listener }

const noTracing, detailedTracing = "off", "detailed"

func (v tracingValue) parse(text string) error {
	if text != noTracing && text != "minimal" && text != detailedTracing {
		return fmt.Errorf("tracing=%s is not off, minimal or detailed", text)
	}
	v.Untraced, v.TracedSteps = text == noTracing, text == detailedTracing
	return nil
}

func (v tracingValue) String() string {
	switch {
	case v.Untraced:
		return noTracing
	case v.TracedSteps:
		return detailedTracing
	}
	return ""
}

func (v *durationValue) parse(text string) error {
	d, err := notation.Duration(text)
	*v = durationValue(d)
	return err
}

func (v *durationValue) String() string {
	if *v == 0 {
		return ""
	}
	return time.Duration(*v).String()
}

func (v *prefixesValue) parse(text string) (err error) {
	*v, err = ParsePrefixes(list(text))
	return err
}

func (v *prefixesValue) String() string {
	texts := make([]string, len(*v))
	for i, p := range *v {
		texts[i] = p.String()
	}
	return strings.Join(texts, ",")
}

func (v *namesValue) parse(text string) error { *v = list(text); return nil }
func (v *namesValue) String() string          { return strings.Join(*v, ",") }

func (v *countValue) parse(text string) error {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is not a whole number", text)
	}
	*v = countValue(n)
	return nil
}

func (v *countValue) String() string { return formatCount(int64(*v)) }

func (v *bytesValue) parse(text string) error {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return fmt.Errorf("%q is not a number of bytes", text)
	}
	*v = bytesValue(n)
	return nil
}

func (v *bytesValue) String() string { return formatCount(int64(*v)) }

func (v *portValue) parse(text string) error {
	port, err := parsePort(text)
	*v = portValue(port)
	return err
}

func (v *portValue) String() string { return formatCount(int64(*v)) }

// parsePort reads a port that can be connected to.
func parsePort(text string) (uint16, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is no port from 1 to 65535", text)
	}
	return uint16(n), nil
}

func formatCount(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// list cuts a text at commas and spaces.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}

// ParsePrefixes reads addresses and CIDR blocks; an address is a block of one.
func ParsePrefixes(texts []string) ([]netip.Prefix, error) {
	var prefixes []netip.Prefix
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, err := netip.ParseAddr(text)
			if err != nil || address.Zone() != "" {
				return nil, fmt.Errorf("%q is not an address or a block such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		prefixes = append(prefixes, prefix.Masked())
	}
	return prefixes, nil
}

// Keys are the keys of the notation.
func Keys() []string { return keyNames(new(Listener).keys()) }

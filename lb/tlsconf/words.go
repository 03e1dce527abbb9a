package tlsconf

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var versions = map[string]uint16{
	"tls10": tls.VersionTLS10, "tls11": tls.VersionTLS11, "tls12": tls.VersionTLS12, "tls13": tls.VersionTLS13,
}

// ParseVersion reads "tls10" to "tls13", with or without a dot and as Traefik
// has them ("VersionTLS12"), or the number the version has on the wire, such as
// 0x0303 or 771.
func ParseVersion(text string) (uint16, error) {
	if v, ok := versions[strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(text), ".", ""), "version")]; ok {
		return v, nil
	}
	n, err := strconv.ParseUint(text, 0, 16)
	if err != nil || n < tls.VersionTLS10 || n > tls.VersionTLS13 {
		return 0, fmt.Errorf("%q is no TLS version: tls10, tls11, tls12 or tls13", text)
	}
	return uint16(n), nil
}

// FormatVersion is what ParseVersion reads.
func FormatVersion(version uint16) string {
	for text, v := range versions {
		if v == version {
			return text
		}
	}
	return fmt.Sprintf("%#04x", version)
}

// ParseCiphers reads a list of suites, separated by commas: their names, such as
// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, or their numbers, such as 0xc02f.
func ParseCiphers(text string) ([]uint16, error) {
	var suites []uint16
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		i := slices.IndexFunc(suitesKnown(), func(s *tls.CipherSuite) bool {
			n, err := strconv.ParseUint(word, 0, 16)
			return strings.EqualFold(s.Name, word) || err == nil && uint16(n) == s.ID
		})
		if i < 0 {
			return nil, fmt.Errorf("%q is no cipher suite, such as %s", word, tls.CipherSuiteName(DefaultCiphers[0]))
		}
		suite := suitesKnown()[i]
		if slices.Equal(suite.SupportedVersions, []uint16{tls.VersionTLS13}) {
			return nil, fmt.Errorf("%s is of TLS 1.3, whose suites are always allowed", suite.Name)
		}
		suites = append(suites, suite.ID)
	}
	return suites, nil
}

func suitesKnown() []*tls.CipherSuite {
	return slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
}

// FormatCiphers is what ParseCiphers reads.
func FormatCiphers(suites []uint16) string {
	names := make([]string, len(suites))
	for i, suite := range suites {
		names[i] = tls.CipherSuiteName(suite)
	}
	return strings.Join(names, ",")
}

// curves are by the names of crypto/tls, without "Curve", and of SEC 2.
var curves = map[string]tls.CurveID{
	"p256": tls.CurveP256, "secp256r1": tls.CurveP256,
	"p384": tls.CurveP384, "secp384r1": tls.CurveP384,
	"p521": tls.CurveP521, "secp521r1": tls.CurveP521,
	"x25519": tls.X25519, "x25519mlkem768": tls.X25519MLKEM768,
	"secp256r1mlkem768": tls.SecP256r1MLKEM768, "secp384r1mlkem1024": tls.SecP384r1MLKEM1024,
}

// ParseCurve reads the name of a key exchange, such as X25519, CurveP256 or
// secp256r1.
func ParseCurve(text string) (tls.CurveID, error) {
	if c, ok := curves[strings.TrimPrefix(strings.ToLower(text), "curve")]; ok {
		return c, nil
	}
	return 0, fmt.Errorf("%q is no curve: CurveP256, CurveP384, CurveP521, X25519, X25519MLKEM768, SecP256r1MLKEM768 or SecP384r1MLKEM1024", text)
}

// ParseClientAuth reads what is asked of clients by its name in crypto/tls, such
// as RequireAndVerifyClientCert.
func ParseClientAuth(text string) (tls.ClientAuthType, error) {
	var names []string
	for t := range tls.RequireAndVerifyClientCert + 1 {
		if strings.EqualFold(t.String(), text) {
			return t, nil
		}
		names = append(names, t.String())
	}
	return 0, fmt.Errorf("%q is none of %s", text, strings.Join(names, ", "))
}

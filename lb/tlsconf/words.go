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

// ParseVersion reads "tls10" to "tls13", with or without a dot, or the number
// the version has on the wire, such as 0x0303 or 771.
func ParseVersion(text string) (uint16, error) {
	if v, ok := versions[strings.ReplaceAll(strings.ToLower(text), ".", "")]; ok {
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

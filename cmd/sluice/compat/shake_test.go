package compat

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/tlsconf"
)

// agreed is what a handshake with certain offers ends with: version, cipher suite,
// key exchange and protocol, or the alert. offers are "min 1.2", "max 1.2",
// "suite NAME", "curve NAME" and "alpn A,B".
func (a asker) agreed(port, name string, offers []string) (string, error) {
	config := &tls.Config{ServerName: name, InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
	for i := 0; i+1 < len(offers); i += 2 {
		if err := offer(config, offers[i], offers[i+1]); err != nil {
			return "", err
		}
	}
	nc, err := net.DialTimeout("tcp", net.JoinHostPort(a.ip, port), patience)
	if err != nil {
		return "", errRefused
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	client := tls.Client(nc, config)
	if err := client.Handshake(); err != nil {
		return "refused: " + strings.TrimPrefix(err.Error(), "remote error: tls: "), nil
	}
	s := client.ConnectionState()
	return fmt.Sprintf("%s, %s, %v, %s", tls.VersionName(s.Version), tls.CipherSuiteName(s.CipherSuite), s.CurveID, cmp.Or(s.NegotiatedProtocol, "no protocol")), nil
}

func offer(c *tls.Config, kind, value string) (err error) {
	switch kind {
	case "min":
		c.MinVersion, err = tlsconf.ParseVersion("tls" + value)
	case "max":
		c.MaxVersion, err = tlsconf.ParseVersion("tls" + value)
	case "suite":
		c.CipherSuites, err = tlsconf.ParseCiphers(value)
	case "curve":
		c.CurvePreferences = make([]tls.CurveID, 1)
		c.CurvePreferences[0], err = tlsconf.ParseCurve(value)
	case "alpn":
		c.NextProtos = strings.Split(value, ",")
	}
	return err
}

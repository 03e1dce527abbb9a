package compat

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// generated is the name Traefik makes up for a certificate of its own.
var generated = regexp.MustCompile(`\b[0-9a-f]{32}\.[0-9a-f]{32}\.(traefik\.default)`)

// presented is the certificate that a handshake for exactly that name is answered
// by: its subject and the names it is for. Package tls would not send an address,
// nor the dot behind a name; so another name of the same length is sent, and
// exchanged on its way. The handshake ends when that shows, which is after the
// certificate.
func (a asker) presented(port, name string) (string, error) {
	nc, err := net.DialTimeout("tcp", net.JoinHostPort(a.ip, port), patience)
	if err != nil {
		return "", errRefused
	}
	defer nc.Close()
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	placeholder := strings.Repeat("x", len(name))
	answer := ""
	config := &tls.Config{
		ServerName: placeholder, InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12,
		VerifyPeerCertificate: func(chain [][]byte, _ [][]*x509.Certificate) error {
			leaf, err := x509.ParseCertificate(chain[0])
			if err != nil {
				return err
			}
			answer = fmt.Sprintf("%v for %s", leaf.Subject, cmp.Or(strings.Join(leaf.DNSNames, ", "), "no name"))
			answer = generated.ReplaceAllString(answer, "{chance}.$1")
			return nil
		},
	}
	err = tls.Client(&renaming{nc, placeholder, name}, config).Handshake()
	if answer != "" {
		return answer, nil
	}
	return "", err
}

// renaming exchanges a name in the first message.
type renaming struct {
	net.Conn
	from, to string
}

func (r *renaming) Write(p []byte) (int, error) {
	if r.from == "" {
		return r.Conn.Write(p)
	}
	message := slices.Clone(p)
	copy(message[max(0, bytes.Index(message, []byte(r.from))):], r.to)
	r.from = ""
	return r.Conn.Write(message)
}

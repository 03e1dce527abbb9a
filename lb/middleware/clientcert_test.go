package middleware

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func clientCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	return certtest.Issue(t, x509.Certificate{
		SerialNumber: big.NewInt(42), NotBefore: time.Unix(1000, 0), NotAfter: time.Unix(2000, 0),
		DNSNames: []string{"a.test"}, IPAddresses: []net.IP{net.IPv4(192, 0, 2, 1)},
		Subject: pkix.Name{Country: []string{"CH"}, Organization: []string{"One & Two"}, CommonName: "me"},
	}, nil).Certificate
}

func TestPassTLSClientCert(t *testing.T) {
	certificate := clientCertificate(t)
	names := &spec.ClientCertName{Country: true, Organization: true, CommonName: true}
	m := made(t, &spec.PassTLSClientCert{PEM: true, Info: &spec.ClientCertInfo{
		NotAfter: true, NotBefore: true, SANs: true, SerialNumber: true, Subject: names, Issuer: names,
	}})
	forged := []string{clientCertField + ": forged", clientCertInfoField + ": forged", "X_Forwarded_Tls_Client_Cert: forged"}
	x, _ := exchange(t, "GET https://h/", forged...)
	x.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}}
	m.Serve(x, upstream(200, ""))
	if got := x.Header.Get(clientCertField); got != base64.StdEncoding.EncodeToString(certificate.Raw) {
		t.Errorf("certificate %q", got)
	}
	const name = `"C=CH,O=One & Two,CN=me"`
	const want = "Subject=" + name + ";Issuer=" + name + `;SerialNumber="42";NB="1000";NA="2000";SAN="a.test,192.0.2.1"`
	if got, err := url.QueryUnescape(x.Header.Get(clientCertInfoField)); got != want || err != nil {
		t.Errorf("info\n%s, %v; want\n%s", got, err, want)
	}
	for _, state := range []*tls.ConnectionState{nil, {}} {
		x, _ := exchange(t, "GET http://h/", forged...)
		x.TLS = state
		m.Serve(x, upstream(200, ""))
		if x.Header.Has(clientCertField) || x.Header.Has(clientCertInfoField) || x.Header.Has("X_Forwarded_Tls_Client_Cert") {
			t.Errorf("without a certificate the upstream sees %v", x.Header)
		}
	}
}

package middleware

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// passClientCert tells the upstream of the client's certificate. What a client
// says of itself in the same fields is taken out, with a certificate and
// without one.
type passClientCert struct{ spec *spec.PassTLSClientCert }

const (
	clientCertField     = "X-Forwarded-Tls-Client-Cert"
	clientCertInfoField = "X-Forwarded-Tls-Client-Cert-Info"

	// The same in Traefik v1.
	clientCertField1     = "X-Forwarded-Ssl-Client-Cert"
	clientCertInfoField1 = "X-Forwarded-Ssl-Client-Cert-Infos"
)

func newPassClientCert(s *spec.PassTLSClientCert) passClientCert { return passClientCert{s} }

// Serve implements [lb.Middleware].
func (p passClientCert) Serve(x *lb.Exchange, next lb.Handler) {
	certField, infoField, escape := clientCertField, clientCertInfoField, func(text string) string { return text }
	if p.spec.Legacy {
		certField, infoField, escape = clientCertField1, clientCertInfoField1, url.QueryEscape
	}
	disown(&x.Header, certField)
	disown(&x.Header, infoField)
	if x.TLS != nil && len(x.TLS.PeerCertificates) > 0 {
		if p.spec.PEM {
			x.Header.Set(certField, escape(pemText(x.TLS.PeerCertificates)))
		}
		if p.spec.Info != nil {
			x.Header.Set(infoField, url.QueryEscape(infoText(x.TLS.PeerCertificates[0], p.spec.Info)))
		}
	}
	next.Serve(x)
}

// pemText is the chain's certificates in base64, without PEM's first and last
// lines and line ends, as Traefik's users parse it.
func pemText(chain []*x509.Certificate) string {
	texts := make([]string, len(chain))
	for i, c := range chain {
		texts[i] = base64.StdEncoding.EncodeToString(c.Raw)
	}
	return strings.Join(texts, ",")
}

func infoText(c *x509.Certificate, want *spec.ClientCertInfo) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+`="`+value+`"`)
		}
	}
	if want.Subject != nil {
		add("Subject", nameText(c.Subject, want.Subject))
	}
	if want.Issuer != nil {
		add("Issuer", nameText(c.Issuer, want.Issuer))
	}
	if want.SerialNumber && c.SerialNumber != nil {
		add("SerialNumber", c.SerialNumber.String())
	}
	if want.NotBefore {
		add("NB", strconv.FormatInt(c.NotBefore.Unix(), 10))
	}
	if want.NotAfter {
		add("NA", strconv.FormatInt(c.NotAfter.Unix(), 10))
	}
	if want.SANs {
		add("SAN", strings.Join(sans(c), ","))
	}
	return strings.Join(parts, ";")
}

func sans(c *x509.Certificate) []string {
	list := append([]string(nil), c.DNSNames...)
	list = append(list, c.EmailAddresses...)
	for _, ip := range c.IPAddresses {
		list = append(list, ip.String())
	}
	for _, u := range c.URIs {
		list = append(list, u.String())
	}
	return list
}

// nameText lists the wanted attributes of a distinguished name, as "C=FR,O=x".
func nameText(n pkix.Name, want *spec.ClientCertName) string {
	var parts []string
	add := func(wanted bool, key string, values ...string) {
		for _, value := range values {
			if wanted && value != "" {
				parts = append(parts, key+"="+value)
			}
		}
	}
	if want.DomainComponent {
		for _, a := range n.Names {
			if a.Type.Equal(domainComponent) {
				if text, ok := a.Value.(string); ok {
					add(true, "DC", text)
				}
			}
		}
	}
	add(want.Country, "C", n.Country...)
	add(want.Province, "ST", n.Province...)
	add(want.Locality, "L", n.Locality...)
	add(want.Organization, "O", n.Organization...)
	add(want.OrganizationalUnit, "OU", n.OrganizationalUnit...)
	add(want.SerialNumber, "SN", n.SerialNumber)
	add(want.CommonName, "CN", n.CommonName)
	return strings.Join(parts, ",")
}

// domainComponent is the attribute of RFC 4519 §2.4.
var domainComponent = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 25}

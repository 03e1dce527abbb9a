package spec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Headers changes header fields, answers CORS preflights and adds security
// fields. With nothing set it cannot be built.
type Headers struct {
	// Each replaces a field, or removes it if the value is empty. In requests, Host
	// changes what the upstream is sent as Host.
	Request  map[string]string `key:"customrequestheaders"`
	Response map[string]string `key:"customresponseheaders"`

	AllowCredentials     bool     `key:"accesscontrolallowcredentials"`
	AllowHeaders         []string `key:"accesscontrolallowheaders"`
	AllowMethods         []string `key:"accesscontrolallowmethods"`
	AllowOriginList      []string `key:"accesscontrolalloworiginlist"`
	AllowOriginListRegex []string `key:"accesscontrolalloworiginlistregex"`
	ExposeHeaders        []string `key:"accesscontrolexposeheaders"`
	MaxAge               int64    `key:"accesscontrolmaxage"` // seconds
	AddVaryHeader        bool     `key:"addvaryheader"`

	AllowedHosts                    []string          `key:"allowedhosts"`
	HostsProxyHeaders               []string          `key:"hostsproxyheaders"`
	SSLProxyHeaders                 map[string]string `key:"sslproxyheaders"`
	STSSeconds                      int64             `key:"stsseconds"`
	STSIncludeSubdomains            bool              `key:"stsincludesubdomains"`
	STSPreload                      bool              `key:"stspreload"`
	ForceSTSHeader                  bool              `key:"forcestsheader"`
	FrameDeny                       bool              `key:"framedeny"`
	CustomFrameOptionsValue         string            `key:"customframeoptionsvalue"`
	ContentTypeNosniff              bool              `key:"contenttypenosniff"`
	BrowserXSSFilter                bool              `key:"browserxssfilter"`
	CustomBrowserXSSValue           string            `key:"custombrowserxssvalue"`
	ContentSecurityPolicy           string            `key:"contentsecuritypolicy"`
	ContentSecurityPolicyReportOnly string            `key:"contentsecuritypolicyreportonly"`
	PublicKey                       string            `key:"publickey"`
	ReferrerPolicy                  string            `key:"referrerpolicy"`
	PermissionsPolicy               string            `key:"permissionspolicy"`
	IsDevelopment                   bool              `key:"isdevelopment"`

	// The redirects to TLS that Traefik v1 has here; its later versions parse
	// the names and do nothing.
	SSLRedirect          bool   `key:"sslredirect"`
	SSLTemporaryRedirect bool   `key:"ssltemporaryredirect"`
	SSLHost              string `key:"sslhost"`
	SSLForceHost         bool   `key:"sslforcehost"`
	FeaturePolicy        string `key:"featurepolicy"`
}

// Kind implements [Middleware].
func (*Headers) Kind() string { return "headers" }

// Validate implements [Middleware].
func (h *Headers) Validate() error {
	var errs []error
	for _, fields := range []map[string]string{h.Request, h.Response} {
		for name, value := range fields {
			if strings.ContainsAny(name+value, "\r\n\x00") {
				errs = append(errs, fmt.Errorf("field %q cannot hold the end of a line", name))
			}
		}
	}
	for _, text := range h.AllowOriginListRegex {
		errs = append(errs, checkRegexp(text))
	}
	return errors.Join(errs...)
}

// IsFraming reports whether a field says where a message ends or what becomes of
// its connection: such fields are the load balancer's own.
func IsFraming(name string) bool {
	switch strings.ToLower(name) {
	case "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "keep-alive", "proxy-connection":
		return true
	}
	return false
}

// DropFraming leaves out the fields that [IsFraming] names, and returns their names,
// sorted.
func (h *Headers) DropFraming() (dropped []string) {
	for _, fields := range []*map[string]string{&h.Request, &h.Response} {
		for name := range *fields {
			if IsFraming(name) {
				delete(*fields, name)
				dropped = append(dropped, name)
			}
		}
		if len(*fields) == 0 {
			*fields = nil
		}
	}
	slices.Sort(dropped)
	return dropped
}

// Size is the length in bytes of the fields it sets of its own.
func (h *Headers) Size() (size int) {
	for _, fields := range []map[string]string{h.Request, h.Response} {
		for name, value := range fields {
			size += len(name) + len(value)
		}
	}
	return size
}

// ContentType concerns answers without a Content-Type.
type ContentType struct {
	AutoDetect bool `key:"autodetect"` // deprecated
}

// Kind implements [Middleware].
func (ContentType) Kind() string { return "contenttype" }

// Validate implements [Middleware].
func (ContentType) Validate() error { return nil }

// PassTLSClientCert tells the upstream of the client's certificate.
type PassTLSClientCert struct {
	PEM  bool            `key:"pem"`
	Info *ClientCertInfo `key:"info"`
	// Legacy uses the fields of Traefik v1, X-Forwarded-Ssl-Client-Cert and -Infos.
	Legacy bool
}

// ClientCertInfo says what of a certificate is told.
type ClientCertInfo struct {
	NotAfter     bool            `key:"notafter"`
	NotBefore    bool            `key:"notbefore"`
	SANs         bool            `key:"sans"`
	SerialNumber bool            `key:"serialnumber"`
	Subject      *ClientCertName `key:"subject"`
	Issuer       *ClientCertName `key:"issuer"`
}

// ClientCertName says which attributes of a distinguished name are told.
type ClientCertName struct {
	Country            bool `key:"country"`
	Province           bool `key:"province"`
	Locality           bool `key:"locality"`
	Organization       bool `key:"organization"`
	OrganizationalUnit bool `key:"organizationalunit"`
	CommonName         bool `key:"commonname"`
	SerialNumber       bool `key:"serialnumber"`
	DomainComponent    bool `key:"domaincomponent"`
}

// Kind implements [Middleware].
func (*PassTLSClientCert) Kind() string { return "passtlsclientcert" }

// Validate implements [Middleware].
func (*PassTLSClientCert) Validate() error { return nil }

// GRPCWeb lets browsers call servers of gRPC.
type GRPCWeb struct {
	// AllowOrigins are those of the pages that may, such as https://shop.test; * is
	// all.
	AllowOrigins []string `key:"alloworigins"`
}

// Kind implements [Middleware].
func (*GRPCWeb) Kind() string { return "grpcweb" }

// Validate implements [Middleware].
func (*GRPCWeb) Validate() error { return nil }

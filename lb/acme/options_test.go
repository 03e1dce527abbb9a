package acme

import (
	"strings"
	"testing"
)

func TestOptionsValidate(t *testing.T) {
	good := Options{Directory: LetsEncrypt, Email: "operator@example.com", KeyType: DefaultKeyType, Challenge: ChallengeTLS}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(o *Options){
		"ca is the URL":                   func(o *Options) { o.Directory = "http://ca.example.com/dir" },
		"begins with https://":            func(o *Options) { o.Directory = "" },
		"email is missing":                func(o *Options) { o.Email = "operator" },
		"eab needs both kid and hmac":     func(o *Options) { o.AccountMAC = "c2VjcmV0" },
		`key_type: "rsa1024" is none of`:  func(o *Options) { o.KeyType = "rsa1024" },
		`challenge: "tls-alp" is none of`: func(o *Options) { o.Challenge = "tls-alp" },
	} {
		o := good
		spoil(&o)
		if err := o.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("want %q, got %v", want, err)
		}
		if _, err := New(o); err == nil {
			t.Errorf("%s: there is a client", want)
		}
	}
}

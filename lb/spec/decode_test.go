package spec

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDraft(t *testing.T) {
	for _, test := range []struct {
		kind    string
		options []string // "words=value"
		want    Middleware
	}{
		{"stripprefix", []string{"prefixes=/a, /b ,,"}, StripPrefix{Prefixes: []string{"/a", "/b"}}},
		{"ADDPREFIX", []string{"Prefix=/a b"}, AddPrefix{Prefix: "/a b"}},
		{"headers", []string{"customrequestheaders.X-A.b=c", "CustomResponseHeaders.Server=", "framedeny=T", "stsseconds=10"}, &Headers{
			Request: map[string]string{"X-A.b": "c"}, Response: map[string]string{"Server": ""}, FrameDeny: true, STSSeconds: 10,
		}},
		{"ratelimit", []string{"average=5", "period=1m30s", "burst=2", "sourcecriterion.ipstrategy.depth=2"}, &RateLimit{
			Average: 5, Period: 90 * time.Second, Burst: 2, Source: &SourceCriterion{IPStrategy: &IPStrategy{Depth: 2}},
		}},
		{"retry", []string{"attempts=3", "initialinterval=2"}, &Retry{Attempts: 3, InitialInterval: 2 * time.Second}},
		{"ipwhitelist", []string{"sourcerange=10.0.0.0/8", "ipstrategy="}, &IPAllowList{
			SourceRange: []string{"10.0.0.0/8"}, IPStrategy: &IPStrategy{},
		}},
		{"compress", []string{"=true"}, &Compress{}},
		{"forwardauth", []string{"address=http://a"}, &ForwardAuth{Address: "http://a", MaxBodySize: -1, MaxResponseBodySize: -1}},
		{"passtlsclientcert", []string{"info.subject.commonname=true"}, &PassTLSClientCert{
			Info: &ClientCertInfo{Subject: &ClientCertName{CommonName: true}},
		}},
		{"errors", []string{"status=404,500-599", "service=pages", "query=/{status}.html", "statusrewrites.500-599=503"}, &Errors{
			Status: []string{"404", "500-599"}, Service: "pages", Query: "/{status}.html",
			StatusRewrites: map[string]string{"500-599": "503"},
		}},
	} {
		d, ok := NewDraft(strings.ToLower(test.kind))
		if !ok {
			t.Fatalf("there is no kind %s", test.kind)
		}
		for _, option := range test.options {
			name, value, _ := strings.Cut(option, "=")
			if err := d.Set(words(name), value); err != nil {
				t.Errorf("%s.%s: %v", test.kind, option, err)
			}
		}
		if diff := cmp.Diff(test.want, d.Middleware()); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", test.kind, test.options, diff)
		}
	}
}

func words(name string) []string {
	if name == "" {
		return nil
	}
	return strings.Split(name, ".")
}

func TestDraftErrors(t *testing.T) {
	for option, want := range map[string]string{
		"stripprefix.prefix=/a":                  "unknown option",
		"stripprefix=true":                       "unknown option",
		"stripprefix.prefixes.a=/a":              "unknown option",
		"stripprefix.AlwaysForwarded=true":       "unknown option",
		"headers.customrequestheaders=x":         "unknown option",
		"headers.framedeny=yes":                  "not a boolean",
		"headers.stsseconds=1.5":                 "not a whole number",
		"ratelimit.period=soon":                  "not a duration",
		"ratelimit.sourcecriterion.ipstrategy=2": "not a boolean",
		"compress=maybe":                         "not a boolean",
		"buffering.maxrequestbodybytes=1e9":      "not a whole number",
	} {
		name, value, _ := strings.Cut(option, "=")
		kind, rest, _ := strings.Cut(name, ".")
		d, ok := NewDraft(kind)
		if !ok {
			t.Fatalf("there is no kind %s", kind)
		}
		if err := d.Set(words(rest), value); err == nil || err.Error() != want && !strings.HasPrefix(err.Error(), want) ||
			errors.Is(err, ErrUnknown) != (want == "unknown option") {
			t.Errorf("%s: error %v, want %s", option, err, want)
		}
	}
	if _, ok := NewDraft("redirect"); ok {
		t.Error("tags may name Fabio's redirect")
	}
}

// Every kind says what it is by the name it is asked for, but for aliases.
func TestKinds(t *testing.T) {
	for _, name := range Kinds() {
		d, _ := NewDraft(name)
		if kind := d.Middleware().Kind(); kind != name && name != "ipwhitelist" {
			t.Errorf("%s is of kind %s", name, kind)
		}
	}
}

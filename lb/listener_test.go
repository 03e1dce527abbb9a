package lb

import (
	"strings"
	"testing"
	"time"
)

func TestParseListener(t *testing.T) {
	for text, want := range map[string]Listener{
		":9999":                     {Address: ":9999", Proto: "http"},
		"127.0.0.1:8080;name=web":   {Address: "127.0.0.1:8080", Proto: "http", Name: "web"},
		" [::1]:0 ; proto = http ;": {Address: "[::1]:0", Proto: "http"},
		":443;cert=a.pem;key=b.pem": {Address: ":443", Proto: "https", CertFile: "a.pem", KeyFile: "b.pem"},
		":443;cert=a.pem":           {Address: ":443", Proto: "https", CertFile: "a.pem", KeyFile: "a.pem"},
		":443;proto=https;cert=a":   {Address: ":443", Proto: "https", CertFile: "a", KeyFile: "a"},
		":80;rt=5s;wt=1m;it=90s": {
			Address: ":80", Proto: "http",
			ReadTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 90 * time.Second,
		},
	} {
		l, err := ParseListener(text)
		if err != nil || l != want {
			t.Errorf("%q: %+v, error %v; want %+v", text, l, err, want)
		}
	}
}

func TestParseListenerErrorsSayWhatToDo(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "the address is not of the form [host]:port",
		"9999":                 "the address is not of the form [host]:port",
		":http":                `port "http" is not a number`,
		":70000":               `port "70000" is not a number from 0 to 65535`,
		":1;name":              `"name" is not of the form key=value`,
		":1;name=":             `"name=" is not of the form key=value`,
		":1;name=a;name=b":     `"name" is given twice`,
		":1;nmae=web":          `unknown key "nmae"; did you mean name?`,
		":1;zzzz=web":          `unknown key "zzzz" (supported: name, proto, cert, key, rt, wt, it)`,
		":1;proto=tcp":         `proto "tcp" is not supported yet; supported: http, https`,
		":1;proto=htps":        `unknown proto "htps"; did you mean https?`,
		":1;cs=web":            `key "cs" is not supported yet; supported: name,`,
		":1;rt=5":              "rt=5 is not a duration above 0, such as 30s",
		":1;it=-1s":            "it=-1s is not a duration above 0",
		":1;proto=https":       "proto=https needs cert=FILE",
		":1;proto=http;cert=a": "cert and key are for TLS, but proto is http",
		":1;key=a":             "cert and key are for TLS, but proto is http",
	} {
		_, err := ParseListener(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

func FuzzParseListener(f *testing.F) {
	for _, seed := range []string{":9999", "h:1;name=web;cert=a;key=b;rt=1s", ":1;;", ":1;=", ":1;proto=tcp"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := ParseListener(text)
		if err != nil {
			return
		}
		if again, err := ParseListener(l.String()); err != nil || again != l {
			t.Errorf("%q parses as %+v, whose text %q parses as %+v, %v", text, l, l.String(), again, err)
		}
	})
}

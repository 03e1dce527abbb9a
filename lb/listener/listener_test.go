package listener

import (
	"crypto/tls"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseListener(t *testing.T) {
	ten := netip.MustParsePrefix("10.0.0.0/8")
	for text, want := range map[string]Listener{
		":9999":                       {Address: ":9999", Proto: "http"},
		"127.0.0.1:8080;name=web":     {Address: "127.0.0.1:8080", Proto: "http", Name: "web"},
		" [::1]:0 ; proto = http ;":   {Address: "[::1]:0", Proto: "http"},
		"{{ GetPrivateIP }}:9999":     {Address: "{{ GetPrivateIP }}:9999", Proto: "http"},
		":443;cert=a.pem;key=b.pem":   {Address: ":443", Proto: "https", CertFile: "a.pem", KeyFile: "b.pem"},
		":443;cert=a.pem":             {Address: ":443", Proto: "https", CertFile: "a.pem", KeyFile: "a.pem"},
		":443;proto=https;cert=a":     {Address: ":443", Proto: "https", CertFile: "a", KeyFile: "a"},
		":443;cs=web":                 {Address: ":443", Proto: "https", CertSource: "web"},
		":443;cs=web;strictmatch=1":   {Address: ":443", Proto: "https", CertSource: "web", StrictSNI: true},
		":443;cert=a;clientca=ca":     {Address: ":443", Proto: "https", CertFile: "a", KeyFile: "a", ClientCA: "ca"},
		":443;cs=web;tlsoptions=a@b":  {Address: ":443", Proto: "https", CertSource: "web", TLSOptions: "a@b"},
		":443;cs=web;snihost=1":       {Address: ":443", Proto: "https", CertSource: "web", SNIHost: SNIHostSame},
		":443;cs=web;snihost=0":       {Address: ":443", Proto: "https", CertSource: "web", SNIHost: SNIHostAny},
		":80;tracing=off":             {Address: ":80", Proto: "http", Untraced: true},
		":80;tracing=detailed":        {Address: ":80", Proto: "http", TracedSteps: true},
		":80;tracing=minimal":         {Address: ":80", Proto: "http"},
		":1;proto=tcp":                {Address: ":1", Proto: "tcp"},
		":1;proto=tcp;cs=x":           {Address: ":1", Proto: "tcp", CertSource: "x"},
		":1;proto=tcp+sni":            {Address: ":1", Proto: "tcp+sni"},
		":1;proto=https+tcp+sni;cs=x": {Address: ":1", Proto: "https+tcp+sni", CertSource: "x"},
		":1;proto=grpc":               {Address: ":1", Proto: "http", Calls: true},
		":1;proto=grpcs;cs=x":         {Address: ":1", Proto: "https", CertSource: "x", Calls: true},
		":53;proto=udp":               {Address: ":53", Proto: "udp"},
		"0.0.0.0:0;proto=tcp-dynamic;refresh=5s": {
			Address: "0.0.0.0:0", Proto: "tcp-dynamic", Refresh: 5 * time.Second,
		},
		`:443;cs=a;tlsmin=tls11;tlsmax=0x0303;tlsciphers="TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,0xc030"`: {
			Address: ":443", Proto: "https", CertSource: "a",
			TLSMin: tls.VersionTLS11, TLSMax: tls.VersionTLS12, TLSCiphers: []uint16{0xc02f, 0xc030},
		},
		":80;pxyproto=true":  {Address: ":80", Proto: "http", Proxied: ProxyOptional, ProxyTimeout: 250 * time.Millisecond},
		":80;pxyproto=false": {Address: ":80", Proto: "http"},
		":80;pxyproto=required;pxyfrom=10.1.2.3/8,::1": {
			Address: ":80", Proto: "http", Proxied: ProxyRequired, ProxyTimeout: 5 * time.Second,
			ProxyFrom: []netip.Prefix{ten, netip.MustParsePrefix("::1/128")},
		},
		":80;pxyproto=true;pxytimeout=1s;pxyfrom=10.0.0.0/8": {
			Address: ":80", Proto: "http", Proxied: ProxyOptional, ProxyTimeout: time.Second, ProxyFrom: []netip.Prefix{ten},
		},
		":80;ht=1s;rt=5s;wt=1m;it=90s": {
			Address: ":80", Proto: "http", HeaderTimeout: time.Second,
			ReadTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 90 * time.Second,
		},
		":80;rt=0s": {Address: ":80", Proto: "http"},
		":80;maxconn=1;maxconnperip=2;maxheader=16384;maxfields=4;maxbody=5;maxrequests=6;maxage=7s": {
			Address: ":80", Proto: "http", MaxConns: 1, MaxConnsPerClient: 2, MaxHeaderBytes: 16384,
			MaxHeaderFields: 4, MaxBodyBytes: 5, MaxRequests: 6, MaxConnAge: 7 * time.Second,
		},
		":443;cs=a;http3=true;http3port=8443": {Address: ":443", Proto: "https", CertSource: "a", HTTP3: true, HTTP3Port: 8443},
		":80;middlewares=a,b@consulcatalog":   {Address: ":80", Proto: "http", Middlewares: []string{"a", "b@consulcatalog"}},
		"unix:///run/web.sock;mode=0606;owner=web:www": {
			Address: "unix:///run/web.sock", Proto: "http", SocketMode: 0o606, SocketOwner: "web:www",
		},
		":80;redirect=:443":  {Address: ":80", Proto: "http", RedirectTo: ":443"},
		":80;redirect=https": {Address: ":80", Proto: "http", RedirectTo: "https"},
	} {
		l, err := Parse(text)
		if err != nil || !reflect.DeepEqual(l, want) {
			t.Errorf("%q: %+v, error %v; want %+v", text, l, err, want)
		}
	}
}

func TestParseListenerErrorsSayWhatToDo(t *testing.T) {
	for text, want := range map[string]string{
		"":                                        "the address is not of the form [host]:port",
		"9999":                                    "the address is not of the form [host]:port",
		":http":                                   `port "http" is not a number`,
		":70000":                                  `port "70000" is not a number from 0 to 65535`,
		"{{ GetPrivateIP :80":                     "is not closed",
		":1;name":                                 `"name" is not of the form key=value`,
		":1;name=":                                `"name=" is not of the form key=value`,
		`:1;name=""`:                              `is not of the form key=value`,
		":1;name=a;name=b":                        `"name" is given twice`,
		":1;nmae=web":                             `unknown key "nmae"; did you mean name?`,
		":1;qqqqqqqq=web":                         `unknown key "qqqqqqqq" (supported: name, mode, owner, proto, cert, key, cs,`,
		":1;proto=grpcs":                          "proto=https needs cert=FILE",
		":1;proto=prometheus":                     "metrics are served by the admin listener",
		":1;proto=htps":                           `unknown proto "htps"; did you mean https?`,
		":1;rt=5":                                 `"5" is not a duration such as 30s`,
		":1;it=-1s":                               `"-1s" is not a duration`,
		":1;proto=https":                          "proto=https needs cert=FILE",
		":1;proto=https+tcp+sni":                  "proto=https+tcp+sni needs cert=FILE",
		":1;proto=http;cert=a":                    "cert, key and cs are for TLS, but proto is http",
		":1;proto=tcp+sni;cs=a":                   "cert, key and cs are for TLS, but proto is tcp+sni",
		":1;key=a":                                "key is given without cert",
		":1;cert=a;cs=b":                          "cert and cs exclude each other",
		":1;cs=b;clientca=ca":                     "clientca belongs to the certificate source",
		":1;strictmatch=true":                     "tlsciphers and tlsoptions need cert or cs",
		":1;tlsoptions=a":                         "tlsciphers and tlsoptions need cert or cs",
		":1;tlsmin=tls13":                         "tlsoptions need cert or cs",
		":1;cs=a;strictmatch=perhaps":             `"perhaps" is not true or false`,
		":1;cs=a;snihost=perhaps":                 "snihost=perhaps is not true or false",
		":1;tracing=perhaps":                      "tracing=perhaps is not off, minimal or detailed",
		":1;snihost=true":                         "snihost is for proto=https",
		":1;cs=a;proto=tcp;snihost=false":         "snihost is for proto=https",
		":1;cs=a;tlsmin=ssl3":                     `"ssl3" is no TLS version`,
		":1;cs=a;tlsmin=tls13;tlsmax=tls12":       "is newer than the newest one",
		":1;cs=a;tlsmax=tls11":                    "older ones than TLS 1.2 have to be asked for",
		":1;cs=a;tlsciphers=TLS_WHATEVER":         `"TLS_WHATEVER" is no cipher suite`,
		":1;pxyproto=maybe":                       "pxyproto=maybe is not true, required or false",
		":1;pxytimeout=1s":                        "need pxyproto=true",
		":1;pxyproto=false;pxyfrom=::1":           "need pxyproto=true",
		":1;pxyproto=true;pxyfrom=10.0.0.0/33":    `"10.0.0.0/33" is not an address or a block`,
		":1;pxyproto=true;pxyfrom=fe80::1%eth0":   "is not an address or a block",
		":1;proto=udp;pxyproto=true":              "no PROXY protocol for proto=udp",
		":1;refresh=1s":                           "refresh is for proto=tcp-dynamic",
		":1;mode=0660":                            "mode and owner are of a socket, unix:///path",
		"unix:///run/x;mode=rw":                   "mode=rw is not a mode such as 0660",
		"unix:///run/x;proto=udp":                 "proto=udp needs a port, and a socket has none",
		"unix:///run/x;proto=tcp-dynamic":         "proto=tcp-dynamic needs a port",
		"unix:///run/x;maxconnperip=1":            "clients of a socket have no address",
		"unix:///run/x;pxyproto=true;pxyfrom=::1": "clients of a socket have no address",
		"unix:run/x":                              "does not begin with a slash",
		":1;maxconn=-1":                           `"-1" is not a whole number`,
		":1;maxconn=many":                         `"many" is not a whole number`,
		":1;maxbody=1k":                           `"1k" is not a number of bytes`,
		":1;maxheader=100":                        "maxheader must be 8192 or more",
		":1;http3=true":                           "http3 is for proto=https, grpcs and https+tcp+sni, not http",
		":1;proto=tcp;cs=a;http3=true":            "http3 is for proto=https, grpcs and https+tcp+sni, not tcp",
		":1;cs=a;http3=true;tlsmax=tls12":         "http3 needs TLS 1.3, which tlsmax rules out",
		":1;cs=a;http3=true;pxyproto=true":        "http3 and pxyproto exclude each other",
		":1;cs=a;http3=maybe":                     `"maybe" is not true or false`,
		":1;cs=a;http3port=443":                   "http3port needs http3=true",
		":1;cs=a;http3=true;http3port=70000":      `"70000" is no port from 1 to 65535`,
		"unix:///tmp/x;cs=a;http3=true":           "http3 needs a port of UDP",
		":1;redirect=:0":                          "no port from 1 to 65535",
		":1;redirect=:x":                          "is no port",
		":1;proto=tcp;redirect=https":             "redirect is for proto=http and https, not tcp",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

func TestAddressTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.1:80":         "127.0.0.1:80",
		`{{ "127.0.0.1" }}:80`: "127.0.0.1:80",
		`{{ GetAllInterfaces | include "name" "^lo$" | include "type" "IPv4" | join "address" " " }}:80`: "127.0.0.1:80",
	} {
		l, err := Parse(text)
		if err != nil {
			t.Error(err)
		}
		if got, err := l.Resolve(); got != want || err != nil {
			t.Errorf("%s: %q, error %v; want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		`{{ "a b" }}:80`:       "more than one address",
		`{{ NoSuchThing }}:80`: "NoSuchThing",
		`{{ "127.0.0.1" }}`:    "not of the form",
	} {
		l, err := Parse(text)
		if err != nil {
			t.Error(err)
		}
		if got, err := l.Resolve(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, error %v; want %q in it", text, got, err, want)
		}
	}
}

func FuzzParseListener(f *testing.F) {
	for _, seed := range []string{
		":9999", "h:1;name=web;cert=a;key=b;rt=1s", ":1;;", ":1;=", ":1;proto=tcp", `:1;name=" a "`, "{{ GetPrivateIP }}:1",
		`:443;cs=a;tlsmin=tls11;tlsmax=0x0303;tlsciphers="0xc02f 0xc030";strictmatch=true`,
		":80;pxyproto=required;pxyfrom=10.1.2.3/8,::1;maxconn=1;maxage=7s;redirect=:443", "0.0.0.0:0;proto=tcp-dynamic;refresh=5s",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(l.String()); err != nil || !reflect.DeepEqual(again, l) {
			t.Errorf("%q parses as %+v, whose text %q parses as %+v, %v", text, l, l.String(), again, err)
		}
	})
}

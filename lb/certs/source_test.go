package certs

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseCertSource(t *testing.T) {
	for text, want := range map[string]Source{
		"cs=web;type=file;cert=a.pem;key=b.pem;clientca=ca;caupgcn=ApiGateway": {
			Name: "web", Type: "file", Cert: "a.pem", Key: "b.pem", ClientCA: "ca", UpgradeCN: "ApiGateway", Refresh: defaultRefresh,
		},
		"cs=all;type=path;cert=/etc/certs;refresh=1m": {Name: "all", Type: "path", Cert: "/etc/certs", Refresh: time.Minute},
		"cs=web;type=http;cert=https://h/list;hdr=X-Token: a:b": {
			Name: "web", Type: "http", Cert: "https://h/list", Refresh: defaultRefresh, Header: http.Header{"X-Token": {"a:b"}},
		},
		"cs=kv;type=consul;cert=lb/certs": {Name: "kv", Type: "consul", Cert: "lb/certs", Refresh: defaultRefresh},
		"cs=kv;type=consul;cert=http://localhost:8500/v1/kv/lb/certs?token=secret&dc=east": {
			Name: "kv", Type: "consul", Cert: "lb/certs", Datacenter: "east", Refresh: defaultRefresh,
		},
		"cs=v;type=vault;cert=secret/certs;vaultfetchtoken=env:X": {
			Name: "v", Type: "vault", Cert: "secret/certs", Refresh: defaultRefresh, VaultToken: "env:X",
		},
		"cs=v;type=vault;cert=secret/certs": {Name: "v", Type: "vault", Cert: "secret/certs", Refresh: defaultRefresh},
		// A refresh below an hour is one, as Fabio has it.
		"cs=p;type=vault-pki;cert=pki/issue/web":                               {Name: "p", Type: "vault-pki", Cert: "pki/issue/web", Refresh: time.Hour},
		"cs=p;type=vault-pki;cert=pki/issue/web;refresh=3s":                    {Name: "p", Type: "vault-pki", Cert: "pki/issue/web", Refresh: time.Hour},
		"cs=p;type=vault-pki;cert=pki/issue/web;refresh=24h;clientca=secret/c": {Name: "p", Type: "vault-pki", Cert: "pki/issue/web", ClientCA: "secret/c", Refresh: 24 * time.Hour},
		"cs=dev;type=selfsigned":                                               {Name: "dev", Type: "selfsigned", Refresh: defaultRefresh},
	} {
		got, err := ParseSource(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, error %v; want %+v", text, got, err, want)
		}
	}
}

func TestParseCertSourceErrorsSayWhatToDo(t *testing.T) {
	for text, want := range map[string]string{
		"":                                 "it has no name (cs=NAME)",
		"cs=a":                             "it has no type; supported: file, path",
		"cs=a;type=flie":                   `unknown type "flie"; did you mean file?`,
		"cs=a;type=vault-pki":              "does not say where the certificates are",
		"cs=a;type=vault-pki;cert=p;key=k": "key is for type=file",
		"cs=a;type=file":                   "does not say where the certificates are",
		"cs=a;type=file;crt=x":             `unknown key "crt"; did you mean cert?`,
		"cs=a;type=vault;cert=c;vaultfetchtoken=secret":  "vaultfetchtoken is neither env:NAME nor file:PATH",
		"cs=a;type=vault;cert=c;vaultfetchtoken=file:":   "vaultfetchtoken is neither",
		"cs=a;type=path;cert=x;vaultfetchtoken=env:X":    "vaultfetchtoken is for type=vault",
		"cs=a;type=path;cert=x;key=y":                    "key is for type=file",
		"cs=a;type=file;cert=x,y;key=z":                  "key has 1 files and cert 2: name one key for each certificate",
		"cs=a;type=path;cert=x;refresh=1ms":              "refresh must be 1s or more",
		"cs=a;type=path;cert=x;refresh=x":                `"x" is not a duration`,
		"cs=a;type=path;cert=x;hdr=A: b":                 "hdr is for type=http",
		"cs=a;type=http;cert=http://h/l;hdr=A":           `hdr is not of the form`,
		"cs=a;type=http;cert=certs/list":                 "cert is the URL of a text file",
		"cs=a;type=consul;cert=http://h/ui?token=secret": "cert is a prefix of keys",
	} {
		_, err := ParseSource(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: error %v, want %q in it", text, err, want)
		}
	}
}

func FuzzParseCertSource(f *testing.F) {
	for _, seed := range []string{
		"cs=web;type=file;cert=a.pem;key=b.pem", "cs=web;type=http;cert=https://h/list;hdr=X-Token: a:b",
		"cs=kv;type=consul;cert=http://localhost:8500/v1/kv/lb/certs?token=secret&dc=east", ";;=", "cs=dev;type=selfsigned",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseSource(text)
		if err != nil {
			return
		}
		if again := c; again.Complete() != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%q is %+v, and once more completed %+v", text, c, again)
		}
	})
}

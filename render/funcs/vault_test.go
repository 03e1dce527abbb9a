package funcs

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/watch"
)

func TestVaultFunctions(t *testing.T) {
	data := map[string]any{"user": "u", "n": json.Number("5"), "list": []any{"x"}, "data": map[string]any{"deep": "d"}}
	answers := map[watch.Query]any{
		watch.VaultSecret{Path: "db/creds/app"}: &watch.Secret{RequestID: "r", LeaseID: "l", LeaseDuration: 60, Renewable: true, Data: data,
			Warnings: []string{"w"}, Auth: &watch.SecretAuth{ClientToken: "tok", Policies: []string{"p"}}, WrapInfo: &watch.SecretWrapInfo{Token: "wrap"}},
		watch.VaultSecret{Path: "kv/a", Params: "version=2"}:                               &watch.Secret{Data: data},
		watch.VaultSecret{Path: "pki/x", Write: true, Data: `{"a":"1","b":"2 = 3"}`}:       &watch.Secret{Data: map[string]any{"made": "m"}},
		watch.VaultSecret{Path: "empty", Write: true, Data: `{}`}:                          &watch.Secret{},
		watch.VaultList{Path: "kv"}:                                                        []string{"a", "b"},
		watch.VaultCertificate{Path: "pki/issue/web", Data: `{"common_name":"a.example"}`}: &watch.IssuedCertificate{Cert: "c", Key: "k", CA: "ca", CAChain: []string{"ca"}},
	}
	tests := []struct{ text, want, missing, err string }{
		{text: `{{with secret "/db/creds/app"}}{{.Data.user}} {{.Data.n}} {{.Data.data.deep}} {{.LeaseID}} {{.LeaseDuration}} {{.Renewable}} {{.RequestID}} {{.Warnings}} {{.Auth.ClientToken}} {{.Auth.Policies}} {{.WrapInfo.Token}}{{end}}`,
			want: "u 5 d l 60 true r [w] tok [p] wrap"},
		{text: `{{with secret "kv/a?version=2"}}{{.Data.data.deep}}{{end}}`, want: "d"},
		{text: `{{with secret "pki/x" "b= 2 = 3 " "a=1"}}{{.Data.made}}{{end}}`, want: "m"},
		{text: `{{with secret "empty" ""}}{{.Data}}{{end}}`, want: "map[]"},
		{text: `{{secret}}`, want: "<no value>"},
		{text: `{{with secret "other"}}x{{end}}`, missing: "vault secret other"},
		{text: `{{secret " / "}}`, err: "the path is empty"},
		{text: `{{secret "a" "planted"}}`, err: `secret "a": argument 2 is not of the form k=v`},
		{text: `{{secrets "kv/"}}{{secrets ""}}`, want: "[a b][]"},
		{text: `{{secrets "new"}}`, want: "[]", missing: "vault list new"},
		{text: `{{with pkiCert "pki/issue/web" "common_name=a.example"}}{{.Cert}} {{.Key}} {{.CA}} {{.CAChain}} {{.Data.Cert}}{{end}}{{pkiCert}}`, want: "c k ca [ca] c<no value>"},
		{text: `{{with pkiCert "pki/issue/web"}}x{{end}}`, missing: "vault certificate pki/issue/web"},
	}
	for _, test := range tests {
		got, b, err := run(test.text, answers)
		if !matches(err, test.err) || err == nil && got != test.want || describe(b.Missing()) != test.missing {
			t.Errorf("%s: got %q, missing %q, error %v", test.text, got, describe(b.Missing()), err)
		}
		if err = b.Redact(err); err != nil && strings.Contains(err.Error(), "planted") {
			t.Errorf("a secret shows in %v", err)
		}
	}
}

// Neither what a template does to a secret nor what goes wrong with it gets out.
func TestVaultSecretsStayWhole(t *testing.T) {
	q := watch.VaultSecret{Path: "a"}
	answers := map[watch.Query]any{q: &watch.Secret{Data: map[string]any{"deep": map[string]any{"k": "planted"}}}}
	if _, _, err := run(`{{with secret "a"}}{{$_ := sprig_set .Data.deep "k" "other"}}{{end}}`, answers); err != nil {
		t.Fatal(err)
	}
	got, b, err := run(`{{with secret "a"}}{{.Data.deep.k}}{{parseInt .Data.deep.k}}{{end}}`, answers)
	if got != "planted" || err == nil {
		t.Errorf("got %q, %v", got, err)
	}
	if text := b.Redact(err).Error(); strings.Contains(text, "planted") {
		t.Errorf("a secret shows in %s", text)
	}
}

func TestPKICertificateKnowsItsFile(t *testing.T) {
	b := Bind(Inputs{Snapshot: snapshot(nil), Destination: "/etc/web.pem"})
	if _, err := b.pkiCert("p", "a=b"); err != nil {
		t.Fatal(err)
	}
	want := watch.VaultCertificate{Path: "p", Data: `{"a":"b"}`, File: "/etc/web.pem"}
	if used := b.Used(); len(used) != 1 || used[0] != want {
		t.Errorf("asked for %v", used)
	}
}

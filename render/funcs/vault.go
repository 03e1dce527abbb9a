package funcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sluiceproxy/sluice/watch"
)

// Certificate is what pkiCert gives, all of it PEM.
type Certificate struct {
	Cert, Key, CA string
	CAChain       []string
}

// Data is the certificate itself: templates once found its fields there.
func (c Certificate) Data() Certificate { return c }

// secret is what Vault answers, a *watch.Secret: secret "path" or "path?version=2"
// reads, secret "path" "k=v" … writes. nil until an answer has come.
func (b *Binding) secret(args ...string) (any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	b.concealAll(args[1:])
	q, err := parseSecret(args[0], args[1:])
	if err != nil {
		return nil, err
	}
	answer, known := recall(b, q)
	if !known || answer == nil {
		return nil, nil
	}
	own := *answer
	own.Data, _ = b.disclose(answer.Data).(map[string]any)
	if own.Auth != nil {
		b.conceal(own.Auth.ClientToken)
	}
	if own.WrapInfo != nil {
		b.conceal(own.WrapInfo.Token)
	}
	return &own, nil
}

// secrets lists what is directly below a path of Vault.
func (b *Binding) secrets(text string) ([]string, error) {
	if text == "" {
		return nil, nil
	}
	path, err := secretPath("secrets", text)
	if err != nil {
		return nil, err
	}
	answer, _ := recall(b, watch.VaultList{Path: path})
	return append([]string(nil), answer...), nil
}

// pkiCert has a certificate issued, a [Certificate]: pkiCert "pki/issue/role"
// "common_name=…" …. One that the template's own destination holds is kept as
// long as it is good. nil until an answer has come.
func (b *Binding) pkiCert(args ...string) (any, error) {
	if len(args) == 0 {
		return nil, nil
	}
	b.concealAll(args[1:])
	path, err := secretPath("pkiCert", args[0])
	if err != nil {
		return nil, err
	}
	data, err := parsePairs("pkiCert", path, args[1:])
	if err != nil {
		return nil, err
	}
	answer, known := recall(b, watch.VaultCertificate{Path: path, Data: data, File: b.inputs.Destination})
	if !known || answer == nil {
		return nil, nil
	}
	b.conceal(answer.Key)
	return Certificate(*answer), nil
}

func parseSecret(text string, pairs []string) (q watch.VaultSecret, err error) {
	if q.Path, err = secretPath("secret", text); err != nil {
		return q, err
	}
	if len(pairs) > 0 { // even if they are empty
		q.Write = true
		q.Data, err = parsePairs("secret", q.Path, pairs)
		return q, err
	}
	u, err := url.Parse(q.Path)
	if err != nil {
		return q, malformed("secret", text, "path?version=N", errors.New("it is not a path"))
	}
	q.Path, q.Params = u.Path, u.Query().Encode()
	return q, nil
}

func secretPath(function, text string) (string, error) {
	path := strings.Trim(strings.TrimSpace(text), "/")
	if path == "" {
		return "", fmt.Errorf("%s %q: the path is empty", function, text)
	}
	return path, nil
}

// parsePairs makes a JSON object of k=v texts. Errors do not show them: they may
// be secrets.
func parsePairs(function, path string, pairs []string) (watch.Confidential, error) {
	data := make(map[string]string)
	for i, pair := range pairs {
		if pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return "", fmt.Errorf("%s %q: argument %d is not of the form k=v", function, path, i+2)
		}
		data[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	text, err := json.Marshal(data)
	return watch.Confidential(text), err
}

// concealAll conceals what is to be written: the template may have it from
// elsewhere.
func (b *Binding) concealAll(pairs []string) {
	for _, pair := range pairs {
		b.conceal(pair)
		if _, value, ok := strings.Cut(pair, "="); ok {
			b.conceal(strings.TrimSpace(value))
		}
	}
}

// disclose copies decoded JSON, which a template could change, and conceals all
// that is in it.
func (b *Binding) disclose(value any) any {
	switch v := value.(type) {
	case map[string]any:
		own := make(map[string]any, len(v))
		for key, element := range v {
			own[key] = b.disclose(element)
		}
		return own
	case []any:
		own := make([]any, len(v))
		for i, element := range v {
			own[i] = b.disclose(element)
		}
		return own
	case string:
		b.conceal(v)
	case json.Number:
		b.conceal(v.String())
	}
	return value
}

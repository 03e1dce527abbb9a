package parts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Vault is a development server: unsealed, all in memory, with a KV store of
// version 2 at secret/, on a loopback address of its own.
type Vault struct {
	URL   string
	Token string // may do everything

	*process
}

// StartVault starts a server and waits until secret/ works. It is killed at the
// end of the test. Started again after Kill, it is empty, with the same address
// and token.
func StartVault(t testing.TB) *Vault {
	t.Helper()
	addr := Loopback(t) + ":8200"
	v := &Vault{process: newProcess(t, "vault"), URL: "http://" + addr, Token: "root-of-the-test"}
	v.process.ready = v.ready
	v.args = []string{"server", "-dev", "-dev-no-store-token", "-log-level=warn",
		"-dev-listen-address=" + addr, "-dev-root-token-id=" + v.Token}
	v.Start()
	return v
}

// A store of version 2 refuses requests for a moment after it was mounted.
func (v *Vault) ready() bool {
	status, _, err := exchange("GET", v.URL+"/v1/secret/config", "", "X-Vault-Token", v.Token)
	return err == nil && status == http.StatusOK
}

// Do sends a request to the API, below /v1/, with the root token, and returns
// the body; an answer that is no success fails the test.
func (v *Vault) Do(method, path, body string) string {
	v.t.Helper()
	return v.request(method, v.URL+"/v1/"+strings.TrimPrefix(path, "/"), body, "X-Vault-Token", v.Token)
}

// Login makes a token with a policy and returns it. options is what
// POST auth/token/create takes besides, as JSON members: `"ttl": "1h"`. With
// wrap, a lifetime as "60s", it is wrapped and the wrapping token is returned.
func (v *Vault) Login(policy, wrap string, options ...string) string {
	v.t.Helper()
	members := append([]string{fmt.Sprintf(`"policies": [%q]`, policy)}, options...)
	body := "{" + strings.Join(members, ", ") + "}"
	headers := []string{"X-Vault-Token", v.Token}
	if wrap != "" {
		headers = append(headers, "X-Vault-Wrap-TTL", wrap)
	}
	text := v.request("POST", v.URL+"/v1/auth/token/create", body, headers...)
	var answer struct {
		Auth struct {
			ClientToken string `json:"client_token"`
		}
		WrapInfo struct{ Token string } `json:"wrap_info"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		v.t.Fatal(err)
	}
	return answer.Auth.ClientToken + answer.WrapInfo.Token // one of them
}

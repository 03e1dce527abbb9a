package config

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sluiceproxy/sluice/watch/consul"
)

func TestConsulEnvironment(t *testing.T) {
	tests := []struct {
		config consul.Config
		want   Environment
	}{
		{consul.Config{}, Environment{"CONSUL_HTTP_SSL=false", "CONSUL_HTTP_SSL_VERIFY=true"}},
		{consul.Config{
			Address: "a:1", Token: "t", TokenFile: "f", Auth: consul.Auth{Username: "u", Password: "p"},
			SSL: consul.SSL{Enabled: consul.On, Verify: consul.Off},
		}, Environment{
			"CONSUL_HTTP_ADDR=a:1", "CONSUL_HTTP_AUTH=u:p", "CONSUL_HTTP_TOKEN=t", "CONSUL_HTTP_TOKEN_FILE=f",
			"CONSUL_HTTP_SSL=true", "CONSUL_HTTP_SSL_VERIFY=false",
		}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, ConsulEnvironment(test.config)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// A token is nobody's business who was not given it.
func TestVaultEnvironment(t *testing.T) {
	env := func(values map[string]string) func(string) string {
		return func(name string) string { return values[name] }
	}
	off := Some(false)
	tests := map[string]struct {
		vault Vault
		env   map[string]string
		want  Environment
	}{
		"none":         {Vault{Token: "planted"}, map[string]string{"VAULT_TOKEN": "planted"}, nil},
		"switched off": {Vault{Address: "https://v", Enabled: off}, nil, nil},
		"from outside": {Vault{}, map[string]string{"VAULT_ADDR": "https://v", "VAULT_CACERT": "ca", "VAULT_TOKEN": "planted"},
			Environment{"VAULT_ADDR=https://v", "VAULT_CACERT=ca"}},
		"everything": {Vault{
			Address: "https://v", Token: "planted", Namespace: "team",
			SSL: SSL{Verify: off, Cert: "c", Key: "k", CAPath: "p", CACert: "ca", CACertBytes: "b", ServerName: "s"},
		}, map[string]string{"VAULT_ADDR": "https://other", "VAULT_TOKEN": "planted"}, Environment{
			"VAULT_ADDR=https://v", "VAULT_CLIENT_CERT=c", "VAULT_CLIENT_KEY=k", "VAULT_CAPATH=p", "VAULT_CACERT=ca",
			"VAULT_CACERT_BYTES=b", "VAULT_TLS_SERVER_NAME=s", "VAULT_SKIP_VERIFY=true",
		}},
	}
	for name, test := range tests {
		c := Config{Vault: test.vault}
		if diff := cmp.Diff(test.want, c.VaultEnvironment(env(test.env), nil)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

// What sluice uses itself is what templates see, whatever the process was given.
func TestEnvironmentShadowsTheProcess(t *testing.T) {
	t.Setenv("TEST_A", "process")
	t.Setenv("TEST_B", "process")
	t.Setenv("TEST_EMPTY", "")
	own := Environment{"TEST_A=own=x"}
	for name, want := range map[string]string{"TEST_A": "own=x", "TEST_B": "process", "TEST_EMPTY": ""} {
		if got, set := own.Lookup(name); got != want || !set {
			t.Errorf("%s is %q, set %v", name, got, set)
		}
	}
	if _, set := own.Lookup("TEST_UNSET"); set {
		t.Error("a variable nobody set is set")
	}
}

func TestExecEnvironment(t *testing.T) {
	t.Setenv("TEST_A", "1")
	t.Setenv("TEST_B_TOKEN", "2")
	own := Environment{"OWN=3"}
	tests := map[string]struct {
		env  ExecEnv
		want []string // in that order
		not  []string
	}{
		"all":      {ExecEnv{Custom: []string{"C=4"}}, []string{"TEST_A=1", "OWN=3", "C=4"}, nil},
		"pristine": {ExecEnv{Pristine: true, Custom: []string{"C=4"}}, []string{"OWN=3", "C=4"}, []string{"TEST_A=1"}},
		"allowed":  {ExecEnv{Allowlist: []string{"TEST_*"}}, []string{"TEST_A=1", "TEST_B_TOKEN=2", "OWN=3"}, []string{"HOME="}},
		"denied":   {ExecEnv{Denylist: []string{"*_TOKEN"}}, []string{"TEST_A=1", "OWN=3"}, []string{"TEST_B_TOKEN=2"}},
		"both":     {ExecEnv{Allowlist: []string{"TEST_*"}, Denylist: []string{"*_TOKEN"}}, []string{"TEST_A=1", "OWN=3"}, []string{"TEST_B_TOKEN=2"}},
	}
	for name, test := range tests {
		got := test.env.Environment(own)
		last := -1
		for _, entry := range test.want {
			i := slices.Index(got, entry)
			if i <= last {
				t.Errorf("%s: %s is missing or out of order in %q", name, entry, got)
			}
			last = i
		}
		for _, entry := range test.not {
			if slices.Contains(got, entry) {
				t.Errorf("%s: %s is in %q", name, entry, got)
			}
		}
	}
}

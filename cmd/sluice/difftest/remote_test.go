package difftest

import (
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/parts"
)

func TestVaultTemplates(t *testing.T) {
	w := newRemoteWorld(t)
	vault := parts.StartVault(t)
	fill(t, "testdata/world/vault.txtar", func(method, path, body string) { vault.Do(method, path, body) })
	w.env = []string{"VAULT_ADDR=" + vault.URL, "VAULT_TOKEN=" + vault.Token}
	w.retry = []string{"-vault-retry-attempts=2", "-vault-retry-backoff=10ms"}
	w.compareTemplates(t, "testdata/vault")
}

func TestNomadTemplates(t *testing.T) {
	w := newRemoteWorld(t)
	nomad := parts.StartNomad(t)
	fill(t, "testdata/world/nomad.txtar", func(method, path, body string) { nomad.Do(method, path, body) })
	nomad.Run("shop", 3, `[{"Name": "web", "Tags": ["v1.2", "blue"]}]`)
	nomad.Run("back", 1, `[{"Name": "api"}, {"Name": "rpc", "Tags": ["blue"]}]`)
	w.env = []string{"NOMAD_ADDR=" + nomad.URL}
	w.compareTemplates(t, "testdata/nomad")
}

// newRemoteWorld is one without Consul, still empty.
func newRemoteWorld(t *testing.T) *world {
	t.Helper()
	return &world{theirs: program{"consul-template", parts.Path(t, "consul-template")}, ours: program{"sluice", sluice(t)}}
}

// fill sends the requests of a file, each an entry "METHOD path" with its body.
func fill(t *testing.T, file string, do func(method, path, body string)) {
	t.Helper()
	for _, f := range readArchive(t, file).Files {
		method, path, _ := strings.Cut(f.Name, " ")
		do(method, path, string(f.Data))
	}
}

package acme

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/internal/parts"
	"github.com/sluiceproxy/sluice/lb/acme/acmejson"
)

// What a real Traefik has ordered serves on, and its account orders more. The
// program is that of SLUICE_TRAEFIK.
func TestTakeOverFromTraefik(t *testing.T) {
	program := os.Getenv("SLUICE_TRAEFIK")
	if program == "" {
		t.Skip("SLUICE_TRAEFIK is not the path of Traefik 3")
	}
	ip := parts.Loopback(t)
	pebble := parts.StartPebble(t, ip, 0)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("static.yml", fmt.Sprintf(`entryPoints: {websecure: {address: "%s:5001"}}
providers: {file: {filename: %s/dynamic.yml}}
certificatesResolvers:
  le: {acme: {email: operator@example.test, caServer: %q, caCertificates: [%q], storage: %[2]s/acme.json, keyType: EC256, tlsChallenge: {}}}
`, ip, dir, pebble.Directory, pebble.RootFile))
	write("dynamic.yml", "http:\n  routers: {a: {rule: Host(`a.test`), service: api@internal, tls: {certResolver: le, domains: [{main: a.test, sans: [b.test]}]}}}\n")
	traefik := exec.Command(program, "--configFile="+filepath.Join(dir, "static.yml"))
	traefik.Stdout, traefik.Stderr = t.Output(), t.Output()
	if err := traefik.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = traefik.Process.Kill()
		_ = traefik.Wait()
	})
	t.Cleanup(stop)
	path := filepath.Join(dir, "acme.json")
	var had acmejson.Resolver
	eventually(t, "Traefik has a certificate", func() bool {
		file, err := acmejson.Read(path)
		if err != nil {
			return false
		}
		had, err = file.Resolver("le")
		return err == nil && had.Account != nil && len(had.Certificates) == 1
	})
	stop()

	orders := pebble.Orders()
	storage := newMemory()
	s := startSiteAt(t, ip)
	o := options(t, pebble, ChallengeTLS, storage)
	o.Name, o.Import = "le", path
	c, _ := s.start(t, o)
	c.Want([]string{"a.test", "b.test", "c.test"})
	want := had.Certificates[0].Leaf.SerialNumber.String()
	if a, b := serial(t, c, "a.test"), serial(t, c, "b.test"); a != want || b != want {
		t.Errorf("serials %s and %s, Traefik's is %s", a, b, want)
	}
	serial(t, c, "c.test")
	if pebble.Orders() != orders+1 {
		t.Errorf("%d orders, and %d were Traefik's", pebble.Orders(), orders)
	}
	for name, value := range storage.all() {
		if filepath.Base(name) == "operator.json" && !bytes.Contains(value, []byte(had.Account.URL)) {
			t.Errorf("the account is %s", value)
		}
	}
}

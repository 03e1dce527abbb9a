package tlsconf

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/capture"
)

// hosts are the first hosts of the certificates in force.
func (k *Keeper) hosts() string {
	var hosts []string
	for _, c := range k.Store.Certificates() {
		hosts = append(hosts, c.Hosts[0])
	}
	return strings.Join(hosts, " ")
}

func load(t *testing.T, k *Keeper, want string, fault string) {
	t.Helper()
	err := k.Load(t.Context())
	if got := k.hosts(); got != want {
		t.Errorf("certificates of %q, want %q (error %v)", got, want, err)
	}
	if (err == nil) != (fault == "") || err != nil && !strings.Contains(err.Error(), fault) {
		t.Errorf("error %v, want %q in it", err, fault)
	}
}

func TestFileSource(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	one, two := pairFor(t, "one.test"), pairFor(t, "two.test")
	write(t, cert, one.Cert)
	write(t, key, one.Key)
	k := NewKeeper("web", Source{Type: TypeFile, Cert: cert, Key: key}, slog.New(slog.DiscardHandler))
	load(t, k, "one.test", "")
	write(t, cert, two.Cert)
	load(t, k, "one.test", "private key does not match")
	write(t, key, two.Key)
	load(t, k, "two.test", "")
	os.Remove(cert)
	load(t, k, "two.test", "no such file")
	both := NewKeeper("both", Source{Type: TypeFile, Cert: cert}, slog.New(slog.DiscardHandler))
	write(t, cert, one.both())
	load(t, both, "one.test", "")
	write(t, cert, bytes.Repeat([]byte("x"), maxFile+1))
	load(t, both, "one.test", "larger than")
}

// Of several files the first is for names that none is for, and one that cannot
// be read takes none away.
func TestSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	z, a := pairFor(t, "z.test"), pairFor(t, "a.test")
	write(t, in("z.pem"), z.Cert)
	write(t, in("z.key"), z.Key)
	write(t, in("a.pem"), a.Cert)
	write(t, in("a.key"), a.Key)
	k := NewKeeper("two", Source{Type: TypeFile, Cert: in("z.pem") + ", " + in("a.pem"), Key: in("z.key") + "," + in("a.key")}, slog.New(slog.DiscardHandler))
	load(t, k, "a.test z.test", "")
	options := Options{Store: &k.Store}
	server, err := options.Config()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a.test": "a.test", "z.test": "z.test", "other.test": "z.test"} {
		if got, _, err := shake(t, server, &tls.Config{ServerName: name}); got != want || err != nil {
			t.Errorf("%s is answered by the certificate of %s (%v), want %s", name, got, err, want)
		}
	}
	os.Remove(in("a.key"))
	load(t, k, "a.test z.test", "no such file")
}

func TestFolderSource(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	a, b, c := pairFor(t, "a.test"), pairFor(t, "b.test"), pairFor(t, "c.test")
	write(t, in("b.pem"), b.both())
	write(t, in("team/a-cert.pem"), a.Cert)
	write(t, in("team/a-key.pem"), a.Key)
	write(t, in("README"), []byte("not a certificate"))
	write(t, in("..2026/c.pem"), c.both())
	k := NewKeeper("all", Source{Type: TypePath, Cert: dir}, slog.New(slog.DiscardHandler))
	load(t, k, "b.test a.test", "")
	os.Remove(in("team/a-key.pem"))
	write(t, in("c.pem"), c.both())
	load(t, k, "b.test c.test a.test", "certificate team/a")
	os.Remove(in("team/a-cert.pem"))
	load(t, k, "b.test c.test", "")
	write(t, in("d-key.pem"), c.Key)
	load(t, k, "b.test c.test", "certificate d: there is a key and no certificate")
	os.RemoveAll(dir)
	load(t, k, "b.test c.test", "no such file")
}

func TestHTTPSource(t *testing.T) {
	a, b := pairFor(t, "a.test"), pairFor(t, "b.test")
	files := map[string][]byte{
		"/certs/list":            []byte("# the certificates\na.pem\n\nteam/b-cert.pem\nteam/b-key.pem\n"),
		"/certs/a.pem":           a.both(),
		"/certs/team/b-cert.pem": b.Cert, "/certs/team/b-key.pem": b.Key,
		"/certs/astray": []byte("http://other.test/a.pem\n"),
	}
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		content, ok := files[r.URL.Path]
		if !ok || r.Header.Get("X-Token") != "secret" {
			http.NotFound(w, r)
			return
		}
		w.Write(content)
	}))
	defer server.Close()
	source := Source{Type: TypeHTTP, Cert: server.URL + "/certs/list", Header: http.Header{"X-Token": {"secret"}}}
	k := NewKeeper("web", source, slog.New(slog.DiscardHandler))
	load(t, k, "a.test b.test", "")
	delete(files, "/certs/team/b-key.pem")
	load(t, k, "a.test b.test", "404 Not Found")
	source.Cert = server.URL + "/certs/astray"
	load(t, NewKeeper("astray", source, slog.New(slog.DiscardHandler)), "", "names no file beside it")
	source.Cert = strings.Replace(server.URL, "http://", "http://user:hunter2@", 1) + "/none"
	err := NewKeeper("password", source, slog.New(slog.DiscardHandler)).Load(t.Context())
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v, want one without the password", err)
	}
}

func TestClientAuthoritiesOfSource(t *testing.T) {
	dir := t.TempDir()
	cert, ca := filepath.Join(dir, "c.pem"), filepath.Join(dir, "ca", "one.pem")
	write(t, cert, pairFor(t, "one.test").both())
	write(t, ca, newAuthority(t).CertPEM())
	for _, where := range []string{ca, filepath.Dir(ca)} {
		k := NewKeeper("web", Source{Type: TypeFile, Cert: cert, ClientCA: where}, slog.New(slog.DiscardHandler))
		if err := k.Load(t.Context()); err != nil || k.Store.clientCAs.pool.Load() == nil {
			t.Errorf("%s: error %v", where, err)
		}
	}
	k := NewKeeper("web", Source{Type: TypeFile, Cert: cert, ClientCA: filepath.Join(dir, "none")}, slog.New(slog.DiscardHandler))
	load(t, k, "one.test", "client authorities")
}

func TestSelfSignedSource(t *testing.T) {
	k := NewKeeper("dev", Source{Type: TypeSelfSigned, Cert: "dev.test, 127.0.0.1"}, slog.New(slog.DiscardHandler))
	load(t, k, "dev.test", "")
	k = NewKeeper("dev", Source{Type: TypeSelfSigned}, slog.New(slog.DiscardHandler))
	load(t, k, "localhost", "")
}

func TestKeeperReadsAgainAndTellsOnce(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "c.pem")
	one, two := pairFor(t, "one.test"), pairFor(t, "two.test")
	write(t, file, one.both())
	var log capture.Buffer
	k := NewKeeper("web", Source{Type: TypeFile, Cert: file, Refresh: time.Millisecond}, slog.New(slog.NewTextHandler(&log, nil)))
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { k.Run(ctx) })
	defer run.Wait()
	defer cancel()
	await := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("waited in vain for %s; the log is\n%s", what, log.String())
			}
		}
	}
	write(t, file, two.Cert)
	await("a complaint", func() bool { return strings.Contains(log.String(), "not all certificates can be read") })
	write(t, file, two.both())
	await("the other certificate", func() bool { return k.hosts() == "two.test" })
	await("the good news", func() bool { return strings.Contains(log.String(), "can be read again") })
	cancel()
	run.Wait()         // which would tell that all is well in between
	for i := range 3 { // the same fault, again and again
		k.Tell(os.ErrNotExist)
		if n := strings.Count(log.String(), "file does not exist"); n != 1 {
			t.Errorf("told %d times after fault %d", n, i)
		}
	}
	if strings.Contains(log.String(), "PRIVATE KEY") {
		t.Error("a key is in the log")
	}
}

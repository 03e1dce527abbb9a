package dial

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func get(t *testing.T, target Target) (int, error) {
	t.Helper()
	client, base, err := target.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	resp, err := client.Get(base.String())
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}

func TestClient_TLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	folder := t.TempDir()
	file := filepath.Join(folder, "ca.pem")
	if err := os.WriteFile(file, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	bare := server.Listener.Addr().String()
	for name, test := range map[string]struct {
		target Target
		ok     bool
	}{
		"unknown authority": {Target{Address: server.URL}, false},
		"not verified":      {Target{Address: server.URL, TLS: TLS{SkipVerify: true}}, true},
		"file":              {Target{Address: server.URL, TLS: TLS{CACert: file}}, true},
		"folder":            {Target{Address: server.URL, TLS: TLS{CAPath: folder}}, true},
		"bytes":             {Target{Address: server.URL, TLS: TLS{CACertBytes: string(ca)}}, true},
		"bare address":      {Target{Address: bare, TLS: TLS{Wanted: true, CACert: file}}, true},
		"wrong name":        {Target{Address: server.URL, TLS: TLS{CACert: file, ServerName: "other.test"}}, false},
	} {
		if _, err := get(t, test.target); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, tls := range map[string]TLS{
		"no PEM":        {CACertBytes: "x"},
		"no file":       {CACert: filepath.Join(folder, "none")},
		"no folder":     {CAPath: filepath.Join(folder, "none")},
		"key alone":     {Key: file},
		"no such certs": {Cert: filepath.Join(folder, "none")},
	} {
		if _, _, err := (Target{Address: server.URL, TLS: tls}).Client(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestClient_UnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.RedirectHandler("http://elsewhere.test/", http.StatusTemporaryRedirect)}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	if status, err := get(t, Target{Address: "unix://" + path}); err != nil || status != http.StatusTemporaryRedirect {
		t.Errorf("got %d, %v", status, err)
	}
}

package parts

import (
	"bytes"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"testing"
	"time"
)

// Pebble is an authority that speaks ACME and keeps all in memory, on a loopback
// address of its own. It finds every name at one address, and asks there as real
// authorities do, if on other ports.
type Pebble struct {
	// Directory is its URL, and RootFile has the root of its own certificate.
	Directory string
	RootFile  string
	// DNS is the server it asks for names, and Names the URL at which records can be
	// added to that, as pebble-challtestsrv has it; empty if it is another one.
	DNS, Names string

	management string
	*process
}

// StartPebble starts an authority that looks for every name at ip: by HTTP on port
// 5002, by TLS on port 5001. What it issues is good for 90 days, or as long as life
// says if that is not 0. It is killed at the end of the test. Started again after
// Kill, it has the same address and knows nothing.
func StartPebble(t testing.TB, ip string, life time.Duration) *Pebble {
	t.Helper()
	own := Loopback(t)
	startNames(t, own, ip)
	p := startPebble(t, own, own+":8053", life)
	p.Names = "http://" + own + ":8055"
	return p
}

// StartPebbleAsking starts an authority that asks a DNS server of the test's for
// all names, and is else as that of [StartPebble].
func StartPebbleAsking(t testing.TB, dns string) *Pebble {
	t.Helper()
	return startPebble(t, Loopback(t), dns, 0)
}

// startNames starts a DNS server that has one address for all names.
func startNames(t testing.TB, own, ip string) {
	t.Helper()
	names := newProcess(t, "pebble-challtestsrv")
	names.args = []string{
		"-dnsserver", own + ":8053", "-management", own + ":8055", "-defaultIPv4", ip, "-defaultIPv6", "",
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "",
	}
	names.ready = func() bool { return isOpen(own + ":8053") }
	names.Start()
}

func startPebble(t testing.TB, own, dns string, life time.Duration) *Pebble {
	t.Helper()
	p := &Pebble{process: newProcess(t, "pebble"), Directory: "https://" + own + ":14000/dir", DNS: dns, management: "https://" + own + ":15000"}
	var key string
	p.RootFile, key = p.certificate(own)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": own + ":14000", "managementListenAddress": own + ":15000",
		"certificate": p.RootFile, "privateKey": key, "httpPort": 5002, "tlsPort": 5001,
		"profiles":        map[string]any{"default": map[string]any{"description": "all", "validityPeriod": int(cmp.Or(life, 90*24*time.Hour).Seconds())}},
		"domainBlocklist": []string{"blocked.test"}, "keyAlgorithm": "ecdsa", "retryAfter": map[string]int{"authz": 1, "order": 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.args = []string{"-config", p.write("pebble.json", string(config)), "-dnsserver", dns}
	p.env = []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}
	p.ready = func() bool { return isOpen(own+":14000") && isOpen(own+":15000") }
	p.Start()
	return p
}

// Root is the root of what it issues, as PEM. It is another one after each start.
func (p *Pebble) Root() []byte {
	p.t.Helper()
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, //nolint:gosec // of a test
	}}
	resp, err := client.Get(p.management + "/roots/0")
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	root, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("pebble's root: %s, %v", resp.Status, err)
	}
	return root
}

// Orders counts the orders it was ever given, over all its lives.
func (p *Pebble) Orders() int {
	p.t.Helper()
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		p.t.Fatal(err)
	}
	return bytes.Count(text, []byte(" Added order "))
}

// certificate makes one for an address, and returns the files.
func (p *process) certificate(ip string) (cert, key string) {
	p.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: p.name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.ParseIP(ip)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		p.t.Fatal(err)
	}
	privateDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		p.t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return p.write("cert.pem", encode("CERTIFICATE", der)), p.write("key.pem", encode("EC PRIVATE KEY", privateDER))
}

// isOpen reports whether somebody listens at an address.
func isOpen(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

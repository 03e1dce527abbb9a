package middleware

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluiceproxy/sluice/internal/certtest"
	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// authServer answers as the path says, and takes down what it was asked.
func authServer(t *testing.T, asked *http.Request, body *string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = *r.Clone(r.Context())
		text, _ := io.ReadAll(r.Body)
		*body = string(text)
		w.Header().Set("X-User", "alice")
		w.Header().Add("Set-Cookie", "session=new; Path=/")
		w.Header().Add("Set-Cookie", "other=x")
		switch r.URL.Path {
		case "/no":
			w.Header().Set("Location", "/login?next=1")
			http.Error(w, "who are you?", http.StatusUnauthorized)
		case "/login":
			http.Redirect(w, r, "/there", http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func askAuth(t *testing.T, s *spec.ForwardAuth, body string, next lb.Handler, lines ...string) (*lb.Exchange, *recorder) {
	t.Helper()
	m, err := newForwardAuth(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.client.CloseIdleConnections)
	x, r := exchange(t, "POST https://h:8443/p%20q?a=b", append(lines, "X-Forwarded-Proto: https", "X-Forwarded-Host: h:8443")...)
	if body != "" {
		x.Body, x.Length = strings.NewReader(body), int64(len(body))
	}
	m.Serve(x, next)
	return x, r
}

func TestForwardAuth(t *testing.T) {
	var asked http.Request
	var body string
	s := spec.DefaultForwardAuth()
	s.Address = authServer(t, &asked, &body) + "/yes"
	s.AuthResponseHeaders, s.AddAuthCookiesToResponse, s.HeaderField = []string{"x-user", "X-User", "X-Group"}, []string{"session"}, "X-User"
	x, r := askAuth(t, s, "hello", upstream(200, "ok", "Set-Cookie: session=old", "Set-Cookie: mine=1"),
		"X-User: root", "X-Group: admins", "X_Group: admins", "Cookie: a=b", "User-Agent: test", "X-Forwarded-Uri: /forged")
	if r.status != 200 || strings.Join(slices.Collect(x.Header.Values("X-User")), "|") != "alice" || x.Header.Has("X-Group") || x.Header.Has("X_Group") || x.Outcome.User != "alice" {
		t.Errorf("answered %d, the upstream sees %v, user %q", r.status, x.Header, x.Outcome.User)
	}
	if got := text(&r.header); got != "Set-Cookie: mine=1\nSet-Cookie: session=new; Path=/\n" {
		t.Errorf("the client got\n%s", got)
	}
	for name, want := range map[string]string{
		"X-Forwarded-Method": "POST", "X-Forwarded-Uri": "/p%20q?a=b", "X-Forwarded-Host": "h:8443",
		"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Cookie": "a=b", "User-Agent": "test",
	} {
		if got := asked.Header.Get(name); got != want {
			t.Errorf("asked with %s: %q, want %q", name, got, want)
		}
	}
	if asked.Method != "GET" || body != "" {
		t.Errorf("asked by %s with the body %q", asked.Method, body)
	}
	if rest, _ := io.ReadAll(x.Body); string(rest) != "hello" {
		t.Errorf("the upstream's body is %q", rest)
	}
}

func TestForwardAuthRefuses(t *testing.T) {
	var asked http.Request
	var body string
	address := authServer(t, &asked, &body)
	never := handler(func(*lb.Exchange) { t.Error("a refused request went on") })
	s := spec.DefaultForwardAuth()
	s.Address = address + "/no"
	_, r := askAuth(t, s, "", never)
	if r.status != 401 || r.body.String() != "who are you?\n" || r.header.Get("Location") != address+"/login?next=1" || r.header.Get("X-User") != "alice" {
		t.Errorf("answered %d %q %v", r.status, r.body.String(), r.header)
	}
	s.PreserveLocationHeader = true
	if _, r = askAuth(t, s, "", never); r.header.Get("Location") != "/login?next=1" {
		t.Errorf("Location %q", r.header.Get("Location"))
	}
	s.AuthSigninURL = "https://login.test/"
	if _, r = askAuth(t, s, "", never); r.status != 302 || r.header.Get("Location") != "https://login.test/" {
		t.Errorf("answered %d %q", r.status, r.header.Get("Location"))
	}
	s = spec.DefaultForwardAuth()
	s.Address = address + "/login"
	if _, r = askAuth(t, s, "", never); r.status != 302 || r.header.Get("Location") != address+"/there" {
		t.Errorf("a redirect was answered %d %q", r.status, r.header.Get("Location"))
	}
	s.MaxResponseBodySize = 1
	if _, r = askAuth(t, s, "", never); r.status != 401 || r.body.Len() != 0 {
		t.Errorf("a long answer was passed on: %d", r.status)
	}
	s = spec.DefaultForwardAuth()
	s.Address = "http://127.0.0.1:1/"
	if x, r := askAuth(t, s, "", never); r.status != 500 || r.body.Len() != 0 || x.Outcome.Err == nil {
		t.Errorf("nobody there: %d %q %v", r.status, r.body.String(), x.Outcome.Err)
	}
}

func TestForwardAuthOptions(t *testing.T) {
	var asked http.Request
	var body string
	address := authServer(t, &asked, &body)
	s := spec.DefaultForwardAuth()
	s.Address, s.ForwardBody, s.PreserveRequestMethod, s.TrustForwardHeader = address+"/yes", true, true, true
	s.AuthRequestHeaders, s.AuthResponseHeadersRegex = []string{"Accept"}, "^x-us"
	x, r := askAuth(t, s, "hello", upstream(200, "ok"), "Accept: a", "Cookie: b", "X-Use: forged", "X_User: forged", "X-Forwarded-Uri: /told")
	if r.status != 200 || asked.Method != "POST" || body != "hello" || asked.Header.Get("Accept") != "a" || len(asked.Header["Cookie"]) > 0 {
		t.Errorf("answered %d; asked by %s with %v and %q", r.status, asked.Method, asked.Header, body)
	}
	if x.Header.Get("X-User") != "alice" || x.Header.Has("X-Use") || x.Header.Has("X_User") || asked.Header.Get("X-Forwarded-Uri") != "/told" {
		t.Errorf("the upstream sees %v; asked for %q", x.Header, asked.Header.Get("X-Forwarded-Uri"))
	}
	if rest, _ := io.ReadAll(x.Body); string(rest) != "hello" {
		t.Errorf("the upstream's body is %q", rest)
	}
	endless := &spec.ForwardAuth{Address: s.Address, ForwardBody: true, MaxBodySize: -1}
	m, err := newForwardAuth(endless)
	if err != nil {
		t.Fatal(err)
	}
	x, r = exchange(t, "POST https://h/")
	x.Body, x.Length = strings.NewReader("hello"), maxAuthBody+1
	if m.Serve(x, upstream(200, "ok")); r.status != 401 {
		t.Errorf("a body without end was answered %d", r.status)
	}
	s.MaxBodySize = 4
	if _, r = askAuth(t, s, "hello", upstream(200, "ok")); r.status != 401 {
		t.Errorf("a long body was answered %d", r.status)
	}
}

// What is in the address for the other server alone is in no log.
func TestForwardAuthKeepsItsAddress(t *testing.T) {
	s := spec.DefaultForwardAuth()
	s.Address = "http://bob:planted@127.0.0.1:1/?token=planted"
	x, r := askAuth(t, s, "", handler(func(*lb.Exchange) { t.Error("the request went on") }))
	if err := x.Outcome.Err; r.status != 500 || err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || strings.Contains(err.Error(), "planted") {
		t.Errorf("answered %d: %v", r.status, err)
	}
	for _, address := range []string{"ftp://bob:planted@h/", "http://bob:planted%zz@h/"} {
		s.Address = address
		if _, err := newForwardAuth(s); err == nil || strings.Contains(err.Error(), "planted") {
			t.Errorf("%s: the error is %v", address, err)
		}
	}
}

// An authentication server that is slow, or that can be had only by way of the route
// that asks it, has so many questions and no more. Who comes then is answered at once.
func TestForwardAuthQuestionsAreBounded(t *testing.T) {
	arrived, answer := make(chan struct{}, maxQuestions+1), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-answer
	}))
	defer server.Close()
	s := spec.DefaultForwardAuth()
	s.Address = server.URL
	m, err := newForwardAuth(s)
	if err != nil {
		t.Fatal(err)
	}
	defer m.client.CloseIdleConnections()
	m.asking = make(chan struct{}, 3) // the rest is a matter of patience
	ask := func() int {
		x, r := exchange(t, "GET http://h/")
		m.Serve(x, upstream(200, "ok"))
		return r.status
	}
	statuses := make(chan int)
	for range cap(m.asking) {
		go func() { statuses <- ask() }()
		<-arrived
	}
	if status := ask(); status != http.StatusServiceUnavailable {
		t.Errorf("one too many is answered %d", status)
	}
	close(answer)
	for range cap(m.asking) {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("one of those that wait is answered %d", status)
		}
	}
	if status := ask(); status != http.StatusOK {
		t.Errorf("the next one is answered %d", status)
	}
}

// What the server says beyond its status keeps no connection to it while the request
// that may pass is served: that can take as long as a WebSocket does.
func TestForwardAuthKeepsNoConnection(t *testing.T) {
	left := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-r.Context().Done() // it never comes to an end by itself
		close(left)
	}))
	defer server.Close()
	s := spec.DefaultForwardAuth()
	s.Address = server.URL
	served := false
	askAuth(t, s, "", handler(func(x *lb.Exchange) {
		select {
		case <-left:
			served = true
		case <-time.After(time.Minute):
			t.Error("the answer is still being read")
		}
	}))
	if !served {
		t.Error("the request did not pass")
	}
}

// A server that wants a certificate is shown the one the middleware has.
func TestForwardAuthShowsItsCertificate(t *testing.T) {
	authority := certtest.Authority(t, x509.Certificate{Subject: pkix.Name{CommonName: "authority"}})
	client := certtest.Issue(t, x509.Certificate{Subject: pkix.Name{CommonName: "gate"}}, authority)
	shown := ""
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		shown = r.TLS.PeerCertificates[0].Subject.CommonName
	}))
	server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	server.StartTLS()
	defer server.Close()
	s := spec.DefaultForwardAuth()
	s.Address = server.URL
	s.TLS = &spec.ClientTLS{InsecureSkipVerify: true, Cert: string(client.CertPEM()), Key: string(client.KeyPEM())}
	if _, r := askAuth(t, s, "", upstream(200, "")); r.status != 200 || shown != "gate" {
		t.Errorf("answered %d; shown %q", r.status, shown)
	}
	s.TLS = &spec.ClientTLS{InsecureSkipVerify: true}
	if _, r := askAuth(t, s, "", upstream(200, "")); r.status != 500 {
		t.Errorf("without a certificate: %d", r.status)
	}
}

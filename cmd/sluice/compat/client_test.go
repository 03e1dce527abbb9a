package compat

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/md5" //nolint:gosec // digest authentication is made of it
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

// clientSays is what a client does beyond a single request.
type clientSays struct {
	until   string // asks again until the answer begins with this
	beside  string // a request that a backend is still working on
	login   string // user:password, for a digest
	cookies bool   // sends back the cookies it was given
	stream  bool   // tells when the first part of an answer comes
}

// String is what the document says of it.
func (c clientSays) String() (text string) {
	if c.until != "" {
		text += ", in time"
	}
	if c.beside != "" {
		text += ", during " + c.beside
	}
	if c.login != "" {
		text += ", as " + c.login
	}
	if c.cookies {
		text += ", with its cookie"
	}
	if c.stream {
		text += ", in parts"
	}
	return text
}

var (
	uuid   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	chance = regexp.MustCompile(`(Set-Cookie: \w+=|nonce="|opaque=")[\w=+/:.-]+`)
)

// withoutChance has no values that nobody can know beforehand.
func withoutChance(answer string) string {
	return chance.ReplaceAllString(uuid.ReplaceAllString(answer, "{uuid}"), "$1{chance}")
}

// visit is what a client remembers from one request to the next.
type visit struct {
	cookie, challenge string
}

func (v *visit) remember(q *question, resp *http.Response) {
	for _, c := range resp.Cookies() {
		v.cookie = c.Name + "=" + c.Value
	}
	if q.login != "" {
		v.challenge = resp.Header.Get("WWW-Authenticate")
	}
}

// fields are those it adds to a request.
func (v *visit) fields(q *question, to place) (fields []string) {
	if q.cookies && v.cookie != "" {
		fields = append(fields, "Cookie: "+v.cookie)
	}
	if q.login != "" && v.challenge != "" {
		fields = append(fields, "Authorization: "+v.digest(q.login, to))
	}
	return fields
}

// digest is the answer to a challenge (RFC 2617, section 3.2.2).
func (v *visit) digest(login string, to place) string {
	user, password, _ := strings.Cut(login, ":")
	hash := func(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) } //nolint:gosec // see above
	of := func(name string) string {
		_, rest, _ := strings.Cut(v.challenge, name+`="`)
		value, _, _ := strings.Cut(rest, `"`)
		return value
	}
	who, what := hash(user+":"+of("realm")+":"+password), hash(to.method+":"+to.target)
	response := hash(who + ":" + of("nonce") + ":00000001:abcdef:auth:" + what)
	return fmt.Sprintf(`Digest username=%q, realm=%q, nonce=%q, uri=%q, qop=auth, nc=00000001, cnonce="abcdef", response=%q, opaque=%q, algorithm=MD5`,
		user, of("realm"), of("nonce"), to.target, response, of("opaque"))
}

// until asks until the answer begins as wanted, and returns that one.
func (a asker) until(q *question, host string) (answer string) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if answer = a.once(q, host, &visit{}); strings.HasPrefix(answer, q.until) {
			break
		}
	}
	return answer
}

// gate holds requests up, until they are let through.
type gate struct {
	arrived, leave chan struct{}
	second         chan struct{} // the second part of an answer is wanted
}

func newGate() gate { return gate{make(chan struct{}), make(chan struct{}), make(chan struct{})} }

func (g gate) hold(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Hold") != "" {
			g.arrived <- struct{}{}
			<-g.leave
		}
		if r.Header.Get("X-Stream") != "" {
			g.stream(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// stream sends the second part of an answer when the first one has come, or when
// it never seems to.
func (g gate) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("X-Stream"))
	fmt.Fprintln(w, "data: one")
	w.(http.Flusher).Flush()
	select {
	case <-g.second:
	case <-time.After(longest):
	}
	fmt.Fprintln(w, "data: two")
}

// longest is how long the second part of an answer is held back.
const longest = 4 * time.Second

// streamed tells whether the first part of an answer came before the second one.
func (a asker) streamed(resp *http.Response) (string, error) {
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	first, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	when := "at once"
	select {
	case a.gate.second <- struct{}{}:
	case <-time.After(time.Second): // the backend has given up
		when = "with the rest"
	}
	rest, err := io.ReadAll(r)
	return fmt.Sprintf("%d %q %s, %q", resp.StatusCode, strings.TrimSpace(first), when, strings.TrimSpace(string(rest))), err
}

// beside asks while a backend is working on another request, or a connection that
// says nothing is open.
func (a asker) beside(q *question, host string) string {
	held := &question{times: 1, words: strings.Fields(q.beside), fields: append([]string{"X-Hold: yes"}, q.fields...)}
	if to := where(held, host); to.isRaw() {
		conn, _, err := a.connect(held, to)
		// One that was closed before may not have been noticed.
		for deadline := time.Now().Add(patience); err != nil && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			conn, _, err = a.connect(held, to)
		}
		if err != nil {
			return "the connection to be held: " + outcome(err)
		}
		defer conn.Close()
		return a.until(q, host)
	}
	done := make(chan string)
	go func() { done <- a.once(held, host, &visit{}) }()
	select {
	case <-a.gate.arrived:
	case answer := <-done:
		return "the request to be held up: " + answer
	}
	answer := a.once(q, host, &visit{})
	a.gate.leave <- struct{}{}
	<-done
	return answer
}

func (a asker) tlsConfig(to place) *tls.Config {
	certificate, ok := a.clients[to.as]
	if !ok {
		panic("there is no client " + to.as)
	}
	c := &tls.Config{ServerName: to.serverName, InsecureSkipVerify: true}
	// Whoever the server says it believes.
	c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }
	if to.max == "1.2" {
		c.MaxVersion = tls.VersionTLS12
	}
	if to.alpn != "" {
		c.NextProtos = []string{to.alpn}
	}
	return c
}

// hiddenOf are the forms a client's certificate is passed on in, and what is
// written for them.
func hiddenOf(client tls.Certificate) []string {
	der := client.Certificate[0]
	body := base64.StdEncoding.EncodeToString(der)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return []string{
		url.QueryEscape(string(text)), "{client's PEM}", url.QueryEscape(string(bytes.TrimSpace(text))), "{client's PEM}",
		url.QueryEscape(body), "{client's certificate, escaped}", body, "{client's certificate}",
	}
}

// datagram sends one, again and again, until there is an answer.
func datagram(address, text string) (string, error) {
	nc, err := net.Dial("udp", address)
	if err != nil {
		return "", err
	}
	defer nc.Close()
	answer := make([]byte, 1024)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		fmt.Fprint(nc, text)
		if err = nc.SetReadDeadline(time.Now().Add(time.Second / 2)); err != nil {
			return "", err
		}
		n, readErr := nc.Read(answer)
		if readErr == nil {
			return string(answer[:n]), nil
		}
		err = readErr
	}
	return "", err
}

// registered is what Consul knows of a service.
func (a asker) registered(name string) (string, error) {
	resp, err := http.Get("http://" + a.consul + "/v1/health/service/" + name)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var found []struct {
		Service struct {
			ID, Address string
			Port        int
			Tags        []string
		}
		Checks []struct{ ServiceID, Status string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		return "", err
	}
	text := "nobody"
	for n, e := range found {
		if n == 0 {
			text = ""
		}
		text += fmt.Sprintf("%s at %s:%d %q", e.Service.ID, e.Service.Address, e.Service.Port, e.Service.Tags)
		for _, c := range e.Checks {
			if c.ServiceID != "" {
				text += " " + c.Status
			}
		}
	}
	if name, err := os.Hostname(); err == nil {
		text = strings.ReplaceAll(text, name, "{hostname}")
	}
	return text, nil
}

// plain is an answer's body without its coding.
func plain(resp *http.Response) (io.Reader, error) {
	switch resp.Header.Get("Content-Encoding") {
	case "gzip":
		return gzip.NewReader(resp.Body)
	case "br":
		return brotli.NewReader(resp.Body), nil
	case "zstd":
		return zstd.NewReader(resp.Body)
	}
	return resp.Body, nil
}

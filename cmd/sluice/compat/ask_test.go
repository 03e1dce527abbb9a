package compat

import (
	"bufio"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluiceproxy/sluice/lb/tracing/tracingtest"
)

// How long anything may take. It is no demand on speed.
const patience = 20 * time.Second

// asker puts questions to one program.
type asker struct {
	ip     string
	consul string
	// hidden are texts that differ from run to run, and what is written for them.
	hidden *strings.Replacer
	// addresses are those of the backends, and their names.
	addresses *strings.Replacer
	// clients are the certificates it may have.
	clients   map[string]tls.Certificate
	gate      gate
	collector *tracingtest.Collector
	receivers *receivers // nil unless the world has metrics sent
	flat      *strings.Replacer
	log       string // the file of what the program says
	process   *os.Process
}

// ask returns the answer in one line; that of many is the share of each, in
// steps of 5 percent.
func (a asker) ask(q *question, host string) string {
	switch {
	case q.beside != "":
		return a.beside(q, host)
	case q.until != "":
		return a.until(q, host)
	case q.times == 1:
		return a.once(q, host, &visit{})
	}
	count, client := map[string]int{}, &visit{}
	for range q.times {
		answer := a.once(q, host, client)
		if words := strings.Fields(answer); len(words) > 1 && words[0] == "200" {
			answer = words[1] // the backend
		}
		count[answer]++
	}
	if q.cookies && len(count) == 1 {
		return "always the same"
	}
	var shares []string
	for _, name := range slices.Sorted(maps.Keys(count)) {
		shares = append(shares, fmt.Sprintf("%s %d%%", name, 5*((count[name]*20+q.times/2)/q.times)))
	}
	return strings.Join(shares, ", ")
}

func (a asker) once(q *question, host string, client *visit) string {
	answer, err := a.exchange(q, host, client)
	if err == nil && q.login != "" && client.challenge != "" {
		answer, err = a.exchange(q, host, client)
	}
	if err != nil {
		return outcome(err)
	}
	return withoutChance(a.hidden.Replace(answer))
}

// outcome is in a word what became of a connection without an answer.
func outcome(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "nothing"
	case errors.Is(err, errRefused):
		return "refused"
	}
	return "closed"
}

var errRefused = errors.New("nobody listens")

func (a asker) exchange(q *question, host string, from *visit) (string, error) {
	to := where(q, host)
	to.target = strings.ReplaceAll(to.target, "{ip}", a.ip)
	if to.method == "REGISTERED" {
		return a.registered(q.words[1])
	}
	switch text := strings.Join(q.words[1:], " "); to.method {
	case "LOGGED":
		return a.logged(text)
	case "ROTATED":
		return a.rotated()
	case "LINES":
		return a.counted(text)
	case "SHAKE":
		return a.agreed(q.words[1], strings.TrimPrefix(q.words[2], "-"), q.words[3:])
	case "HELLO":
		return a.presented(q.words[1], strings.TrimPrefix(q.words[2], "-"))
	}
	if to.method == "API" {
		return a.api(q.words[1], q.words[2])
	}
	if to.method == "METRICS" {
		return a.metrics(q.words[1], q.words[2], strings.Join(q.words[3:], " "))
	}
	if to.method == "PUSHED" {
		return a.receivers.pushed(q.words[1], strings.Join(q.words[2:], " "), a.flat), nil
	}
	if to.method == "SPANS" {
		return a.spansOf(q.words[1], host, q.fields)
	}
	if to.method == "UDP" {
		return datagram(net.JoinHostPort(a.ip, to.port), to.rest)
	}
	if to.method == "GRPC" {
		return a.call(q, to)
	}
	conn, name, err := a.connect(q, to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	fields := from.fields(q, to)
	for _, f := range q.fields {
		fields = append(fields, strings.ReplaceAll(f, "{ip}", a.ip))
	}
	if to.isRaw() {
		answer, err := talk(conn, to.rest)
		return name + strings.ReplaceAll(answer, fmt.Sprint(conn.LocalAddr().(*net.TCPAddr).Port), "{port}"), err
	}
	ask := a.request
	if to.alpn == "h2" {
		ask = a.request2
	}
	answer, err := ask(conn, q, to, fields, host, from)
	return name + answer, err
}

// connect opens a connection; name is that of the certificate, if there is one.
func (a asker) connect(q *question, to place) (conn stream, name string, err error) {
	address := to.port
	if !strings.Contains(address, ":") {
		address = net.JoinHostPort(a.ip, to.port)
	}
	nc, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return nil, "", errRefused
	}
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		nc.Close()
		return nil, "", err
	}
	if q.proxy != "" {
		fmt.Fprintf(nc, "PROXY %s\r\n", q.proxy)
	}
	if !to.tls {
		return nc.(stream), "", nil
	}
	client := tls.Client(nc, a.tlsConfig(to))
	if err := client.Handshake(); err != nil {
		nc.Close()
		return nil, "", err
	}
	return client, client.ConnectionState().PeerCertificates[0].Subject.CommonName + ": ", nil
}

// place is whom a question is for.
type place struct {
	method, target, port, serverName, alpn, as, max, rest string

	tls bool
}

// isRaw reports whether it is spoken to without HTTP.
func (p place) isRaw() bool { return p.method == "TCP" || p.method == "TLS" }

func where(q *question, host string) place {
	p := place{method: q.words[0], port: "9999"}
	switch p.method {
	case "TCP", "UDP":
		p.port, p.rest = q.words[1], strings.Join(q.words[2:], " ")
		return p
	case "TLS":
		p.port, p.tls = q.words[1], true
		p.serverName = strings.TrimPrefix(q.words[2], "-")
		line, as, _ := strings.Cut(strings.Join(q.words[3:], " "), " as ")
		p.rest, p.as = line, as
		return p
	}
	p.target = q.words[1]
	for i, word := range q.words {
		if i+1 == len(q.words) {
			break
		}
		switch word {
		case "at":
			p.port = q.words[i+1]
		case "tls":
			p.tls = true
			p.serverName = strings.TrimPrefix(q.words[i+1], "-")
		case "alpn":
			p.alpn = q.words[i+1]
		case "max":
			p.max = q.words[i+1]
		case "as":
			p.as = q.words[i+1]
		}
	}
	return p
}

// stream is a connection of which one direction can end before the other.
type stream interface {
	net.Conn
	CloseWrite() error
}

func talk(nc stream, line string) (string, error) {
	if line == "eof" {
		if err := nc.CloseWrite(); err != nil {
			return "", err
		}
	} else if _, err := fmt.Fprintln(nc, line); err != nil {
		return "", err
	}
	text, err := io.ReadAll(nc)
	if len(text) == 0 {
		return "", cmp.Or(err, io.EOF)
	}
	return strings.TrimSpace(string(text)), nil
}

// request sends a request as it is written down and reads the answer.
func (a asker) request(nc net.Conn, q *question, to place, fields []string, host string, from *visit) (string, error) {
	var b strings.Builder
	method := to.method
	if method == "WS" {
		method = "GET"
		fields = append(fields, "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
		if !hasField(fields, "Upgrade") {
			fields = append(fields, "Upgrade: websocket")
		}
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, to.target)
	if !hasField(fields, "Host") {
		fields = append(fields, "Host: "+host)
	}
	if !hasField(fields, "Connection") {
		fields = append(fields, "Connection: close")
	}
	if q.body != "" {
		fields = append(fields, fmt.Sprintf("Content-Length: %d", len(q.body)))
	}
	fmt.Fprintf(&b, "%s\r\n\r\n%s", strings.Join(fields, "\r\n"), q.body)
	if _, err := io.WriteString(nc, b.String()); err != nil {
		return "", err
	}
	r := bufio.NewReader(nc)
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	for err == nil && resp.StatusCode == http.StatusContinue {
		resp, err = http.ReadResponse(r, &http.Request{Method: method})
	}
	if err != nil {
		return "", err
	}
	from.remember(q, resp)
	if resp.StatusCode == http.StatusSwitchingProtocols {
		fmt.Fprintln(nc, "ping")
		line, err := r.ReadString('\n')
		return "101 " + strings.TrimSpace(line), err
	}
	if q.stream {
		return a.streamed(resp)
	}
	return describe(resp, q)
}

func hasField(fields []string, name string) bool {
	return slices.ContainsFunc(fields, func(f string) bool {
		return len(f) > len(name) && strings.EqualFold(f[:len(name)+1], name+":")
	})
}

// describe is an answer in one line: its status, what the backend saw if one
// was asked, and the fields that are wanted.
func describe(resp *http.Response, q *question) (string, error) {
	defer resp.Body.Close()
	body, err := plain(resp)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return "", err
	}
	parts := []string{fmt.Sprint(resp.StatusCode)}
	wanted := slices.Clone(q.got)
	if resp.Header.Get("X-Backend") != "" && len(text) > 0 {
		var s seen
		if err := json.Unmarshal(text, &s); err != nil {
			return "", err
		}
		parts[0] += fmt.Sprintf(" %s %s %s", s.Backend, s.Method, s.URI)
		s.Header.Set("Host", s.Host)
		if s.Body != "" {
			parts[0] += fmt.Sprintf(" %q", s.Body)
		}
		for _, name := range q.seen {
			parts = append(parts, field(s.Header, name))
		}
	} else if resp.StatusCode/100 == 3 {
		wanted = append(wanted, "Location")
	}
	for _, name := range wanted {
		if name == "body" {
			parts = append(parts, fmt.Sprintf("body %q", strings.TrimSpace(string(text))))
			continue
		}
		if path, ok := strings.CutPrefix(name, "json "); ok {
			parts = append(parts, path+" "+jsonAt(text, path))
			continue
		}
		if trailer, ok := strings.CutPrefix(name, "trailer "); ok {
			parts = append(parts, "trailer "+field(resp.Trailer, trailer))
			continue
		}
		parts = append(parts, field(resp.Header, name))
	}
	return strings.Join(parts, "; "), nil
}

// jsonAt is what a text in JSON has at a path of names and positions.
func jsonAt(text []byte, path string) string {
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		return err.Error()
	}
	for name := range strings.SplitSeq(path, ".") {
		switch in := value.(type) {
		case map[string]any:
			value = in[name]
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n >= len(in) {
				return "absent"
			}
			value = in[n]
		default:
			return "absent"
		}
	}
	found, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(found)
}

func field(h http.Header, name string) string {
	values := h.Values(name)
	if len(values) == 0 {
		return "no " + name
	}
	return name + ": " + strings.Join(values, " + ")
}

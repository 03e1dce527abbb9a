package consul

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/sluiceproxy/sluice/watch/dial"
)

// client sends requests to one agent. The HTTP half is our own, because
// api.Client hides the headers of answers other than 200 (the index of an
// absent key, Retry-After), reads the environment behind our back and follows
// redirects with the token; its TLS set-up and names are used.
type client struct {
	address address
	http    *http.Client
	auth    Auth
	agent   string // ours, for the other side's logs
	tokens  *tokens
	grace   time.Duration // how much later than its wait a request may be answered
	streams atomic.Int32
	room    room // for bodies

	bare     bool        // TLS is spoken without a certificate of our own
	answered atomic.Bool // since the start, whatever the answer was
}

// call is one request.
type call struct {
	method string // GET if empty
	body   string
	path   string // escaped, with /v1
	params url.Values
	index  uint64 // 0 asks for an answer at once
	wait   time.Duration
	needs  string // rights, for the error
	absent bool   // 404 is an answer
	named  bool   // 404 is watch.ErrNotFound
}

// answer is what came back, with status 200, or 404 where the call allows it.
type answer struct {
	status int
	body   []byte
	index  uint64
	// lastContact is how far the answering server may be behind the leader.
	lastContact time.Duration
	// filtered is Consul's word that rules removed parts; unsure means that it
	// may have kept that to itself, as it does without a token.
	filtered, unsure bool
}

// streamsPerConnection is how many requests we put on one HTTP/2 connection.
// Consul 1.20 allows 250; RFC 9113 section 6.5.2 recommends at least 100.
const streamsPerConnection = 100

// grace is how long after its wait a request may take before it counts as lost.
const grace = 10 * time.Second

func newClient(c Config) (*client, error) {
	addr, err := parseAddress(c.Address, c.SSL.enabled() == On)
	if err != nil {
		return nil, err
	}
	tokens, err := newTokens(c.Token, c.TokenFile, c.Logger)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(c, addr)
	if err != nil {
		return nil, err
	}
	return &client{
		address: addr,
		http: &http.Client{
			Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error {
				return http.ErrUseLastResponse
			},
		},
		auth:   c.Auth,
		agent:  c.UserAgent,
		tokens: tokens,
		grace:  grace,
		room:   room{one: maxAnswer, all: maxAnswers},
		bare:   addr.tls && c.SSL.Cert == "",
	}, nil
}

func newTransport(c Config, addr address) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: c.Transport.DialTimeout, KeepAlive: c.Transport.DialKeepAlive}
	t := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: c.Transport.TLSHandshakeTimeout,
		DisableKeepAlives:   c.Transport.DisableKeepAlives,
		MaxConnsPerHost:     c.MaxConnections,
		MaxIdleConnsPerHost: c.Transport.MaxIdle,
		IdleConnTimeout:     c.Transport.IdleTimeout,
		// The agent is next door: packing costs both sides more than it saves.
		DisableCompression: true,
		ForceAttemptHTTP2:  true,
		HTTP2:              &http.HTTP2Config{SendPingTimeout: 30 * time.Second},
	}
	if addr.socket != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", addr.socket)
		}
	}
	if addr.tls {
		var err error
		t.TLSClientConfig, err = api.SetupTLSConfig(&api.TLSConfig{
			Address:            c.SSL.ServerName,
			CAFile:             c.SSL.CACert,
			CAPem:              []byte(c.SSL.CACertBytes),
			CAPath:             c.SSL.CAPath,
			CertFile:           c.SSL.Cert,
			KeyFile:            c.SSL.Key,
			InsecureSkipVerify: !c.SSL.Verify.Or(true),
		})
		if err != nil {
			return nil, fmt.Errorf("setting up TLS to consul: %w", err)
		}
	}
	return t, nil
}

// get sends the call, whatever its method; twice if the token was refused and
// its file now holds another one.
func (c *client) get(ctx context.Context, q call) (answer, error) {
	token := c.tokens.get()
	a, err := c.try(ctx, q, token)
	refusal, ok := errors.AsType[*ResponseError](err)
	if !ok || refusal.Status != http.StatusForbidden {
		return a, err
	}
	if renewed := c.tokens.reread(); renewed != token {
		return c.try(ctx, q, renewed)
	}
	return a, err
}

func (c *client) try(ctx context.Context, q call, token dial.Secret) (answer, error) {
	// Consul adds up to a sixteenth to the wait, so that clients spread.
	limit := q.wait + q.wait/16 + c.grace
	ctx, cancel := context.WithTimeoutCause(ctx, limit, silence(limit))
	defer cancel()
	shown := c.address.shown + q.path
	req, err := c.request(ctx, q, token)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", q.verb(), shown, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.hint(requestError(ctx, q.verb()+" "+shown, err))
	}
	defer resp.Body.Close()
	c.answered.Store(true)
	if resp.ProtoMajor == 2 {
		c.streams.Store(streamsPerConnection)
	}
	body, err := c.room.read(resp)
	if err != nil {
		return answer{}, requestError(ctx, q.verb()+" "+shown, fmt.Errorf("the answer was cut off: %w", err))
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusNotFound && q.absent {
		return newAnswer(resp, body, token == ""), nil
	}
	return answer{}, newResponseError(shown, resp, c.redact(body, token), q, time.Now())
}

// redact removes what an echo of our own request may hold.
func (c *client) redact(body []byte, token dial.Secret) []byte {
	for _, s := range []dial.Secret{token, c.auth.Password} {
		if s != "" {
			body = bytes.ReplaceAll(body, []byte(s), []byte(dial.Hidden))
		}
	}
	return body
}

func (q call) verb() string { return cmp.Or(q.method, http.MethodGet) }

func (c *client) request(ctx context.Context, q call, token dial.Secret) (*http.Request, error) {
	target := c.address.base + q.path
	params := maps.Clone(q.params)
	if q.index > 0 {
		params.Set("index", strconv.FormatUint(q.index, 10))
		// Rounded up: 0ms would be Consul's own default of five minutes.
		params.Set("wait", strconv.FormatInt(max(q.wait.Milliseconds(), 1), 10)+"ms")
	}
	if len(params) > 0 {
		target += "?" + params.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, q.verb(), target, strings.NewReader(q.body))
	if err != nil {
		return nil, errors.New("not a valid URL")
	}
	if c.agent != "" {
		req.Header.Set("User-Agent", c.agent)
	}
	if token != "" {
		req.Header.Set("X-Consul-Token", token.Reveal())
	}
	if c.auth.Username != "" {
		req.SetBasicAuth(c.auth.Username, c.auth.Password.Reveal())
	}
	return req, nil
}

func newAnswer(resp *http.Response, body []byte, anonymous bool) answer {
	a := answer{
		status:   resp.StatusCode,
		body:     body,
		filtered: resp.Header.Get("X-Consul-Results-Filtered-By-ACLs") == "true",
		unsure:   anonymous && resp.Header.Get("X-Consul-Default-ACL-Policy") == "deny",
	}
	// A header that is missing or no number leaves 0, which blocking callers
	// refuse.
	a.index, _ = strconv.ParseUint(resp.Header.Get("X-Consul-Index"), 10, 64)
	if ms, err := strconv.ParseUint(resp.Header.Get("X-Consul-LastContact"), 10, 40); err == nil {
		a.lastContact = time.Duration(ms) * time.Millisecond
	}
	return a
}

package middleware

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/spec"
)

// remoteKeys are fetched when a request needs them, and kept. However many ask, and
// whatever for, one question is on its way at a time, and there is a pause between
// two: names of keys are made up by strangers.
type remoteKeys struct {
	fetch   func(context.Context) ([]jwtKey, error)
	refresh time.Duration
	maxAge  time.Duration

	mu      sync.Mutex
	asking  chan struct{} // is closed with the answer to the question on its way; nil without one
	have    []jwtKey
	fetched time.Time // when have was, zero for never
	next    time.Time // before that nobody asks
	pause   time.Duration
	err     error // of the last question
}

// Bounds of questions for keys: how long one may take, the pause after one that was
// answered, and those after ones that failed, which double.
const (
	keysTimeout  = 10 * time.Second
	keysCooldown = 10 * time.Second
	minKeysPause = time.Second
	maxKeysPause = time.Minute
	maxKeySet    = 1 << 20 // bytes of an answer
)

func newRemoteKeys(s *spec.JWT) (*remoteKeys, error) {
	address, err := url.Parse(s.JWKSURL)
	if err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https" {
		return nil, errors.New("jwksurl is no http or https URL")
	}
	var config *tls.Config
	if s.TLS != nil {
		if config, err = clientTLS(s.TLS); err != nil {
			return nil, err
		}
	}
	client := &http.Client{
		// Questions are rare: a connection would only wait to be closed.
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	fetch := func(ctx context.Context) ([]jwtKey, error) { return fetchKeys(ctx, client, address) }
	return &remoteKeys{fetch: fetch, refresh: s.Refresh, maxAge: s.MaxAge}, nil
}

// fetchKeys asks once.
func fetchKeys(ctx context.Context, client *http.Client, address *url.URL) ([]jwtKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	where := origin(address) + address.EscapedPath()
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s for keys: %w", where, withoutURL(err))
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s for keys: status %d", where, answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxKeySet+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("asking %s for keys: %w", where, err)
	case len(text) > maxKeySet:
		return nil, fmt.Errorf("asking %s for keys: the answer has more than %d bytes", where, maxKeySet)
	}
	keys, err := parsePublicKeys(text)
	if err != nil {
		return nil, fmt.Errorf("asking %s for keys: %w", where, err)
	}
	return keys, nil
}

// keys implements [keySource]. A request whose key is there is not kept waiting.
func (r *remoteKeys) keys(ctx context.Context, algorithm, id string) ([]jwtKey, error) {
	have, usable, stale := r.look()
	suits := usable && len(candidates(have, algorithm, id)) > 0
	if stale || !suits {
		answered := r.ask()
		if !suits && answered != nil {
			select {
			case <-answered:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
	}
	if have, usable, _ = r.look(); usable {
		return have, nil
	}
	if _, err := r.fault(); err != nil {
		return nil, err
	}
	return nil, errors.New("there are no keys")
}

// look tells what there is, whether it may still be used, and whether it should be
// newer.
func (r *remoteKeys) look() (have []jwtKey, usable, stale bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	age := time.Since(r.fetched)
	return r.have, r.have != nil && age < r.maxAge, age >= r.refresh
}

// ask has a question on its way, if it is time for one, and returns what is closed
// with its answer; nil if there is nothing to wait for. The question outlives the
// request that began it, for others wait as well, and the next ones need the answer.
func (r *remoteKeys) ask() (answered <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asking == nil && !time.Now().Before(r.next) {
		r.asking = make(chan struct{})
		go r.question()
	}
	return r.asking
}

// question fetches the keys. It ends by itself, within keysTimeout.
func (r *remoteKeys) question() {
	ctx, cancel := context.WithTimeout(context.Background(), keysTimeout)
	defer cancel()
	keys, err := r.fetch(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.asking)
	r.asking = nil
	now := time.Now()
	if r.err = err; err != nil {
		r.pause = min(max(2*r.pause, minKeysPause), maxKeysPause)
		r.next = now.Add(r.pause)
		return
	}
	r.have, r.fetched, r.pause, r.next = keys, now, 0, now.Add(keysCooldown)
}

// fault implements [keySource].
func (r *remoteKeys) fault() (varies bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.err == nil: // they may be old, but then nobody has needed them
		return true, nil
	case r.have != nil && time.Since(r.fetched) < r.maxAge:
		return true, fmt.Errorf("older keys count: %w", r.err)
	}
	return true, fmt.Errorf("nobody is let in: %w", r.err)
}

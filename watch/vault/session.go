package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/vault/api"
)

// session gives the client its token and keeps that alive. Nothing happens
// before the first request: no token is unwrapped that nobody needs.
type session struct {
	config Config
	api    *api.Client
	opened chan struct{} // closed when there is a token, or none is needed

	opening sync.Mutex // held while a token is being had; guards the rest
	isOpen  bool
	seen    fileVersion

	mu      sync.Mutex
	renewed chan struct{} // closed and replaced when the token is another
}

// fileVersion tells whether a file is another one than last time.
type fileVersion struct {
	modified time.Time
	size     int64
}

// fileEvery is how often the token file is looked at, and retryEvery how often
// a token is tried to be renewed that could not.
const (
	fileEvery  = 5 * time.Second
	retryEvery = 10 * time.Second
)

func newSession(c Config, vault *api.Client) *session {
	return &session{config: c, api: vault, opened: make(chan struct{}), renewed: make(chan struct{})}
}

// changed is closed when another token takes the place of the current one.
func (s *session) changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewed
}

func (s *session) use(token string) {
	if token == s.api.Token() {
		return
	}
	s.api.SetToken(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.renewed)
	s.renewed = make(chan struct{})
}

// open has a token, unless there is one.
func (s *session) open(ctx context.Context) error {
	s.opening.Lock()
	defer s.opening.Unlock()
	if s.isOpen {
		return nil
	}
	if err := s.login(ctx); err != nil {
		return err
	}
	s.isOpen = true
	close(s.opened)
	return nil
}

// login takes the token from where the configuration says.
func (s *session) login(ctx context.Context) error {
	c := s.config
	switch {
	case c.TokenFile != "":
		return s.loginByFile(ctx)
	case c.Token != "":
		token := c.Token.Reveal()
		if c.Unwrap {
			var err error
			if token, err = s.unwrap(ctx, token); err != nil {
				return fmt.Errorf("unwrapping the token: %w", err)
			}
		}
		s.use(token)
	case c.Kubernetes.Role != "":
		return s.loginByKubernetes(ctx)
	}
	return nil
}

func (s *session) loginByFile(ctx context.Context) error {
	// Looked at before reading: a write in between is then seen next time.
	info, err := os.Stat(s.config.TokenFile)
	if err != nil {
		return fmt.Errorf("the token file: %w", err)
	}
	text, err := os.ReadFile(s.config.TokenFile)
	if err != nil {
		return fmt.Errorf("the token file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	var wrapped api.SecretWrapInfo
	isJSON := json.Unmarshal([]byte(token), &wrapped) == nil && wrapped.Token != ""
	if isJSON {
		token = wrapped.Token
	}
	if token == "" {
		return fmt.Errorf("the token file %s is empty", s.config.TokenFile)
	}
	if isJSON || s.config.Unwrap {
		if token, err = s.unwrap(ctx, token); err != nil {
			return fmt.Errorf("unwrapping the token of the file %s: %w", s.config.TokenFile, err)
		}
	}
	s.seen = fileVersion{info.ModTime(), info.Size()}
	s.use(token)
	return nil
}

// unwrap gets, once, the token that a wrapping token holds: that of a login, or
// one that was made.
func (s *session) unwrap(ctx context.Context, wrapping string) (string, error) {
	client, err := s.api.CloneWithHeaders()
	if err != nil {
		return "", err
	}
	client.SetToken(wrapping)
	answer, err := client.Logical().UnwrapWithContext(ctx, "")
	if err != nil {
		return "", err
	}
	if answer != nil && answer.Auth != nil && answer.Auth.ClientToken != "" {
		return answer.Auth.ClientToken, nil
	}
	if answer != nil {
		if token, ok := answer.Data["token"].(string); ok && token != "" {
			return token, nil
		}
	}
	return "", errors.New("what was wrapped is not a token")
}

func (s *session) loginByKubernetes(ctx context.Context) error {
	k := s.config.Kubernetes
	account := k.Token.Reveal()
	if account == "" {
		text, err := os.ReadFile(k.TokenPath)
		if err != nil {
			return fmt.Errorf("the token of the service account: %w", err)
		}
		account = strings.TrimSpace(string(text))
	}
	path := "auth/" + strings.Trim(k.Mount, "/") + "/login"
	answer, err := s.api.Logical().WriteWithContext(ctx, path, map[string]any{"role": k.Role, "jwt": account})
	if err != nil {
		return fmt.Errorf("logging in as role %s of kubernetes: %w", k.Role, err)
	}
	if answer == nil || answer.Auth == nil {
		return fmt.Errorf("logging in as role %s of kubernetes: the answer holds no token", k.Role)
	}
	s.use(answer.Auth.ClientToken)
	return nil
}

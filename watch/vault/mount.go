package vault

import (
	"context"
	"errors"
	"net/http"
	"path"
	"strings"

	"github.com/hashicorp/vault/api"
)

// mount is where a path belongs to.
type mount struct {
	path     string // ends with a slash
	version2 bool   // it is a KV store of version 2
}

// locate returns the path of a request. In a KV store of version 2 a kind of
// access stands behind the mount, which may be given or not.
func (s *Source) locate(ctx context.Context, given, access string) (located string, version2 bool, err error) {
	m, err := s.mountOf(ctx, given)
	if err != nil || !m.version2 {
		return given, false, err
	}
	rest, inside := strings.CutPrefix(given+"/", m.path)
	if !inside {
		// Vault may name the mount with the namespace we are in.
		m.path = strings.TrimPrefix(m.path, strings.Trim(s.config.Namespace, "/")+"/")
		if rest, inside = strings.CutPrefix(given+"/", m.path); !inside {
			return given, true, nil
		}
	}
	for _, kind := range []string{"data/", "metadata/", "subkeys/"} {
		if strings.HasPrefix(rest, kind) {
			return given, true, nil
		}
	}
	return path.Join(m.path, access, rest), true, nil
}

// mountOf asks where a path belongs to. A token that may not know is taken to
// mean the path as it is, and so is a Vault too old to tell.
func (s *Source) mountOf(ctx context.Context, given string) (mount, error) {
	s.mu.Lock()
	m, known := s.mounts[given]
	s.mu.Unlock()
	if known {
		return m, nil
	}
	answer, err := s.api.Logical().ReadWithContext(ctx, "sys/internal/ui/mounts/"+given)
	if refusal, ok := errors.AsType[*api.ResponseError](err); ok && refusal.StatusCode < http.StatusInternalServerError {
		return mount{}, nil
	}
	if err != nil || answer == nil {
		return mount{}, err
	}
	m.path, _ = answer.Data["path"].(string)
	options, _ := answer.Data["options"].(map[string]any)
	m.version2 = answer.Data["type"] == "kv" && options["version"] == "2"
	s.mu.Lock()
	s.mounts[given] = m
	s.mu.Unlock()
	return m, nil
}

// forgetMount has the mount asked for again: it may be another one.
func (s *Source) forgetMount(given string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.mounts, given)
}

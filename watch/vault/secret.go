package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"
	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

// secret reads or writes. What has a lease, or was made by the request, is held.
func (s *Source) secret(ctx context.Context, q watch.VaultSecret) (watch.Reply, error) {
	path, version2, err := s.locate(ctx, q.Path, "data")
	if err != nil {
		return watch.Reply{}, err
	}
	var answer *api.Secret
	if q.Write {
		answer, err = s.write(ctx, path, q.Data, version2)
	} else {
		answer, err = s.read(ctx, path, q.Params)
	}
	if err != nil {
		s.forgetMount(q.Path)
		return watch.Reply{}, err
	}
	for _, warning := range answer.Warnings {
		s.config.Logger.Warn("vault warns", "query", q.String(), "warning", dial.Message(warning, s.secrets(q)...))
	}
	secret := newSecret(answer)
	h := s.hold(secret, time.Now())
	if isNothing(answer) {
		h.value = (*watch.Secret)(nil)
	}
	if q.Write || secret.LeaseID != "" || secret.Auth != nil {
		s.remember(q, h)
	}
	return h.reply(time.Now()), nil
}

func (s *Source) read(ctx context.Context, path, params string) (*api.Secret, error) {
	values, err := url.ParseQuery(params)
	if err != nil {
		return nil, fmt.Errorf("the query of the path: %w", err)
	}
	answer, err := s.api.Logical().ReadWithDataWithContext(ctx, path, values)
	if err != nil {
		return nil, err
	}
	if answer == nil || isDeleted(answer) {
		return nil, fmt.Errorf("%w: no secret is at %s", watch.ErrNotFound, path)
	}
	return answer, nil
}

// isDeleted recognizes what a KV store of version 2 answers for a version that
// was deleted or destroyed.
func isDeleted(answer *api.Secret) bool {
	_, versioned := answer.Data["metadata"].(map[string]any)
	return versioned && answer.Data["data"] == nil
}

// isNothing recognizes the answer to a write that Vault has answered without a
// body, as a KV store of version 1 does.
func isNothing(answer *api.Secret) bool {
	return answer.RequestID == "" && answer.Data == nil && answer.Auth == nil
}

// write writes and returns the answer, which may be empty.
func (s *Source) write(ctx context.Context, path string, data watch.Confidential, version2 bool) (*api.Secret, error) {
	var body map[string]any
	if err := json.Unmarshal([]byte(data.Reveal()), &body); err != nil {
		return nil, fmt.Errorf("what is to be written is not a JSON object")
	}
	if version2 {
		body = map[string]any{"data": body}
	}
	answer, err := s.api.Logical().WriteWithContext(ctx, path, body)
	if err != nil {
		return nil, err
	}
	if answer == nil {
		answer = &api.Secret{}
	}
	return answer, nil
}

// list is the names below a path, sorted.
func (s *Source) list(ctx context.Context, path string) ([]string, error) {
	path, _, err := s.locate(ctx, path, "metadata")
	if err != nil {
		return nil, err
	}
	answer, err := s.api.Logical().ListWithContext(ctx, path)
	if err != nil || answer == nil {
		return nil, err
	}
	keys, _ := answer.Data["keys"].([]any)
	names := make([]string, 0, len(keys))
	for _, key := range keys {
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("the list holds a %T", key)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// extend renews a lease or a token and returns what was granted.
func (s *Source) extend(ctx context.Context, h held) (time.Duration, error) {
	increment := int(h.lease / time.Second)
	if h.token != "" {
		answer, err := s.api.Logical().WriteWithContext(ctx, "auth/token/renew", map[string]any{"token": h.token, "increment": increment})
		if err != nil || answer == nil || answer.Auth == nil {
			return 0, err
		}
		return time.Duration(answer.Auth.LeaseDuration) * time.Second, nil
	}
	answer, err := s.api.Logical().WriteWithContext(ctx, "sys/leases/renew", map[string]any{"lease_id": h.id, "increment": increment})
	if err != nil || answer == nil {
		return 0, err
	}
	return time.Duration(answer.LeaseDuration) * time.Second, nil
}

func newSecret(s *api.Secret) *watch.Secret {
	out := &watch.Secret{
		RequestID:     s.RequestID,
		LeaseID:       s.LeaseID,
		LeaseDuration: s.LeaseDuration,
		Renewable:     s.Renewable,
		Data:          s.Data,
		Warnings:      s.Warnings,
	}
	if a := s.Auth; a != nil {
		out.Auth = &watch.SecretAuth{
			ClientToken:   a.ClientToken,
			Accessor:      a.Accessor,
			Policies:      a.Policies,
			Metadata:      a.Metadata,
			LeaseDuration: a.LeaseDuration,
			Renewable:     a.Renewable,
		}
	}
	if w := s.WrapInfo; w != nil {
		out.WrapInfo = &watch.SecretWrapInfo{Token: w.Token, TTL: w.TTL, CreationTime: w.CreationTime, WrappedAccessor: w.WrappedAccessor}
	}
	return out
}

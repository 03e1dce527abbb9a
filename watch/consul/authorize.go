package consul

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// right is one permission in Consul's words.
type right struct {
	Resource string
	Access   string
	Segment  string
}

// authorized tells whether an empty answer may be believed that was given
// without a token where the default is to deny: Consul does not say then
// whether rules emptied it. It is asked through the endpoint of Consul's own
// web page; without a clear yes the answer stays in doubt.
func (s *Source) authorized(ctx context.Context, a ask) bool {
	body, err := json.Marshal(a.rights)
	if err != nil {
		return false
	}
	q := call{path: "/v1/internal/acl/authorize", params: s.params(a.scope, nil, Default)}
	ctx, cancel := context.WithTimeout(ctx, s.client.grace)
	defer cancel()
	req, err := s.client.request(ctx, q, "")
	if err != nil {
		return false
	}
	req.Method = http.MethodPost
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := s.client.http.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	type verdict struct{ Allow bool }
	var verdicts []verdict
	return resp.StatusCode == http.StatusOK &&
		json.NewDecoder(resp.Body).Decode(&verdicts) == nil &&
		len(verdicts) == len(a.rights) &&
		!slices.ContainsFunc(verdicts, func(v verdict) bool { return !v.Allow })
}

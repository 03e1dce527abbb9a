package middleware

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/net/http/httpguts"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

// jwt lets in who brings a signed token.
type jwt struct {
	spec       *spec.JWT
	source     keySource
	algorithms []jose.SignatureAlgorithm
	headers    []field // values are names of claims
	required   []requiredClaim
	userClaim  string
}

// maxToken bounds a token in bytes: it is taken apart before it is known to be
// anybody's.
const maxToken = 16 << 10

func newJWT(s *spec.JWT) (*jwt, error) {
	headers, err := fields(s.Headers)
	if err != nil {
		return nil, err
	}
	if s.Cookie != "" && !httpguts.ValidHeaderFieldName(s.Cookie) { // both are tokens
		return nil, fmt.Errorf("%q is no name of a cookie", s.Cookie)
	}
	source, err := newKeySource(s)
	if err != nil {
		return nil, err
	}
	if keys, ok := source.(fixedKeys); ok && !keys.suit(s.Accepted()) {
		return nil, errors.New("there is no key for the algorithms " + strings.Join(s.Accepted(), ", "))
	}
	j := &jwt{spec: s, source: source, headers: headers, required: requiredClaims(s.Claims), userClaim: s.UserClaim}
	if j.userClaim == "" {
		j.userClaim = "sub"
	}
	for _, name := range s.Accepted() {
		j.algorithms = append(j.algorithms, jose.SignatureAlgorithm(name))
	}
	return j, nil
}

// refusal is why a request may not pass.
type refusal struct {
	status int
	// code and reason are those of RFC 6750 §3; empty for a request without a token.
	code, reason string
}

// Error implements error.
func (r *refusal) Error() string { return r.reason }

// invalid refuses a token. The reason is for whoever sent it.
func invalid(reason string) *refusal {
	return &refusal{http.StatusUnauthorized, "invalid_token", reason}
}

// Serve implements [lb.Middleware].
func (j *jwt) Serve(x *lb.Exchange, next lb.Handler) {
	c, err := j.check(x)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		j.refuse(x, refused)
		return
	case x.Context().Err() != nil:
		x.Outcome.Err, x.Outcome.Status = err, lb.StatusClientGone
		return
	case err != nil:
		x.Outcome.Err = fmt.Errorf("the keys of jwt: %w", err)
		x.AnswerText(http.StatusServiceUnavailable, "503 Service Unavailable")
		return
	}
	j.admit(x, c)
	next.Serve(x)
}

// Fault implements [lb.Faulty].
func (j *jwt) Fault() (varies bool, err error) { return j.source.fault() }

// check finds the claims of a request's token. The error is a refusal, or tells why
// nobody can decide.
func (j *jwt) check(x *lb.Exchange) (claims, error) {
	token, err := tokenOf(x, j.spec.Cookie)
	if err != nil {
		return nil, err
	}
	signed, err := jose.ParseSignedCompact(token, j.algorithms)
	if err != nil || len(signed.Signatures) != 1 {
		return nil, invalid("the token is malformed, or not signed in an accepted way")
	}
	header := signed.Signatures[0].Protected
	keys, err := j.source.keys(x.Context(), header.Algorithm, header.KeyID)
	if err != nil {
		return nil, err
	}
	payload, err := verify(signed, candidates(keys, header.Algorithm, header.KeyID))
	if err != nil {
		return nil, err
	}
	c, err := parseClaims(payload)
	if err == nil {
		err = c.valid(j.spec, time.Now())
	}
	if err != nil {
		return nil, invalid(err.Error())
	}
	for _, required := range j.required {
		if !required.isMet(c) {
			return nil, &refusal{http.StatusForbidden, "insufficient_scope", "the token does not allow this"}
		}
	}
	return c, nil
}

// verify gives what was signed, by one of the keys.
func verify(signed *jose.JSONWebSignature, keys []jwtKey) ([]byte, error) {
	for _, k := range keys {
		if payload, err := signed.Verify(k.key); err == nil {
			return payload, nil
		}
	}
	return nil, invalid("the token is not signed with a known key")
}

// tokenOf is the token of a request: that of Authorization (RFC 6750 §2.1), else of
// the cookie. Two of them are refused: the upstream might believe the other one.
func tokenOf(x *lb.Exchange, cookie string) (string, error) {
	found := 0
	token := ""
	for value := range x.Header.Values("Authorization") {
		if found++; found > 1 {
			return "", &refusal{http.StatusBadRequest, "invalid_request", "there is more than one field Authorization"}
		}
		token, _ = bearerOf(value)
	}
	if token == "" && cookie != "" {
		for value := range cookies(x, cookie) {
			if token != "" && value != token {
				return "", &refusal{http.StatusBadRequest, "invalid_request", "there is more than one token"}
			}
			token = value
		}
	}
	switch {
	case token == "":
		return "", &refusal{status: http.StatusUnauthorized}
	case len(token) > maxToken:
		return "", invalid("the token is too long")
	}
	return token, nil
}

// bearerOf is the token of a field Authorization, if that is what it brings.
func bearerOf(field string) (token string, ok bool) {
	scheme, rest, _ := strings.Cut(field, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.Trim(rest, " \t"), true
}

// admit tells the upstream of the claims.
func (j *jwt) admit(x *lb.Exchange, c claims) {
	x.Outcome.User = c.text(j.userClaim)
	for _, f := range j.headers {
		disown(&x.Header, f.name)
	}
	for _, f := range j.headers {
		if value := c.text(f.value); value != "" && httpguts.ValidHeaderFieldValue(value) {
			x.Header.Set(f.name, value)
		}
	}
	if !j.spec.RemoveToken {
		return
	}
	if _, ok := bearerOf(x.Header.Get("Authorization")); ok {
		x.Header.Del("Authorization")
	}
	if j.spec.Cookie != "" {
		removeCookie(x, j.spec.Cookie)
	}
}

// refuse answers who may not pass (RFC 6750 §3).
func (j *jwt) refuse(x *lb.Exchange, r *refusal) {
	challenge := "Bearer"
	separator := " "
	add := func(name, value string) {
		if value != "" {
			challenge += separator + name + "=" + quote(value)
			separator = ", "
		}
	}
	add("realm", j.spec.Realm)
	add("error", r.code)
	add("error_description", r.reason)
	h := &lb.Header{}
	h.Add("Content-Type", "text/plain; charset=utf-8")
	h.Add("WWW-Authenticate", challenge)
	x.Answer(r.status, h, fmt.Sprintf("%d %s\n", r.status, http.StatusText(r.status)))
}

// parseClaims reads what a token says.
func parseClaims(payload []byte) (c claims, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(payload)))
	decoder.UseNumber()
	if err := decoder.Decode(&c); err != nil || c == nil {
		return nil, errors.New("the token has no claims")
	}
	return c, nil
}

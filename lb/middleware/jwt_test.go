package middleware

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

const (
	jwtSecret   = "a secret of thirty-two bytes or more"
	otherSecret = "another secret of thirty-two or more"
)

// testKeys are made once: those of RSA take long.
var testKeys = sync.OnceValue(func() (keys struct {
	rsa, otherRSA, weakRSA *rsa.PrivateKey
	ec                     *ecdsa.PrivateKey
	ed                     ed25519.PrivateKey
}) {
	keys.rsa, _ = rsa.GenerateKey(rand.Reader, 2048)
	keys.otherRSA, _ = rsa.GenerateKey(rand.Reader, 2048)
	keys.weakRSA, _ = rsa.GenerateKey(rand.Reader, 1024)
	keys.ec, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, keys.ed, _ = ed25519.GenerateKey(rand.Reader)
	return keys
})

// publicPEM is the public half of a key as a file has it.
func publicPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// claimsFor are those of a token that is good for an hour, with changes; nil takes
// one out.
func claimsFor(changes map[string]any) map[string]any {
	c := map[string]any{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, value any) bool { return value == nil })
	return c
}

// tokenFor signs claims. The header's fields come with the key's name, if it has one.
func tokenFor(t testing.TB, algorithm jose.SignatureAlgorithm, key any, changes map[string]any, header ...string) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for i := 0; i+1 < len(header); i += 2 {
		options = options.WithHeader(jose.HeaderKey(header[i]), header[i+1])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claimsFor(changes))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jwtOf is a spec with the values of what is not said.
func jwtOf(change func(*spec.JWT)) *spec.JWT {
	s := spec.DefaultJWT()
	change(s)
	return s
}

func withSecret(s *spec.JWT) { s.Secret = jwtSecret }

// askJWT sends a request with those lines, and tells whether it went on.
func askJWT(t testing.TB, m lb.Middleware, lines ...string) (x *lb.Exchange, r *recorder, passed bool) {
	t.Helper()
	x, r = exchange(t, "GET http://h/p", lines...)
	m.Serve(x, handler(func(x *lb.Exchange) { passed = true; upstream(200, "ok").Serve(x) }))
	if passed == (r.status != 200) {
		t.Errorf("answered %d, and passed on: %v", r.status, passed)
	}
	return x, r, passed
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// Each kind of signature is taken with its own keys.
func TestJWTAlgorithms(t *testing.T) {
	k := testKeys()
	for _, tt := range []struct {
		algorithm jose.SignatureAlgorithm
		key       any
		change    func(*spec.JWT)
	}{
		{jose.HS256, []byte(jwtSecret), withSecret},
		{jose.HS512, []byte(jwtSecret + otherSecret), func(s *spec.JWT) { s.Secret = jwtSecret + otherSecret }},
		{jose.RS256, k.rsa, func(s *spec.JWT) { s.Key = publicPEM(t, k.rsa) }},
		{jose.PS384, k.rsa, func(s *spec.JWT) { s.Key = publicPEM(t, k.rsa) }},
		{jose.ES256, k.ec, func(s *spec.JWT) { s.Key = publicPEM(t, k.ec) }},
		{jose.EdDSA, k.ed, func(s *spec.JWT) { s.Key = publicPEM(t, k.rsa) + publicPEM(t, k.ed) }},
	} {
		m := made(t, jwtOf(tt.change))
		x, r, passed := askJWT(t, m, bearer(tokenFor(t, tt.algorithm, tt.key, nil)))
		if !passed || x.Outcome.User != "alice" {
			t.Errorf("%s: answered %d, user %q", tt.algorithm, r.status, x.Outcome.User)
		}
	}
}

// What is no token of ours is refused, and the challenge says why.
func TestJWTRefuses(t *testing.T) {
	k := testKeys()
	good := tokenFor(t, jose.HS256, []byte(jwtSecret), nil)
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	signed := func(changes map[string]any) string { return tokenFor(t, jose.HS256, []byte(jwtSecret), changes) }
	secret := jwtOf(withSecret)
	public := jwtOf(func(s *spec.JWT) { s.Key = publicPEM(t, k.rsa) })
	for name, tt := range map[string]struct {
		spec   *spec.JWT
		token  string
		status int
		reason string
	}{
		"no token":              {secret, "", 401, "Bearer"},
		"nonsense":              {secret, "x", 401, "malformed"},
		"of five parts":         {secret, "a.b.c.d.e", 401, "malformed"},
		"none":                  {secret, none + "." + payload + ".", 401, "malformed"},
		"none, signed":          {secret, none + "." + payload + "." + signature, 401, "malformed"},
		"changed":               {secret, head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"root","exp":9999999999}`)) + "." + signature, 401, "known key"},
		"cut":                   {secret, head + "." + payload + ".", 401, "known key"},
		"another secret":        {secret, tokenFor(t, jose.HS256, []byte(otherSecret), nil), 401, "known key"},
		"another key":           {public, tokenFor(t, jose.RS256, k.otherRSA, nil), 401, "known key"},
		"key in the header":     {public, embedded(t, k.otherRSA), 401, "known key"},
		"public key as secret":  {public, tokenFor(t, jose.HS256, []byte(public.Key), nil), 401, "malformed"},
		"secret as public key":  {secret, tokenFor(t, jose.RS256, k.rsa, nil), 401, "malformed"},
		"another algorithm":     {jwtOf(func(s *spec.JWT) { s.Secret, s.Algorithms = jwtSecret+otherSecret, []string{"HS512"} }), good, 401, "malformed"},
		"unknown critical":      {secret, tokenFor(t, jose.HS256, []byte(jwtSecret), nil, "crit", "x"), 401, ""},
		"huge":                  {secret, signed(map[string]any{"pad": strings.Repeat("x", maxToken)}), 401, "too long"},
		"no expiry":             {secret, signed(map[string]any{"exp": nil}), 401, "no expiry"},
		"expired":               {secret, signed(map[string]any{"exp": past}), 401, "expired"},
		"expiry of text":        {secret, signed(map[string]any{"exp": "tomorrow"}), 401, "exp is no time"},
		"expiry out of bounds":  {secret, signed(map[string]any{"exp": json.Number("1e300")}), 401, "exp is no time"},
		"not yet":               {secret, signed(map[string]any{"nbf": future}), 401, "not valid yet"},
		"another issuer":        {jwtOf(func(s *spec.JWT) { s.Secret, s.Issuers = jwtSecret, []string{"https://id.test"} }), signed(map[string]any{"iss": "https://evil.test"}), 401, "another issuer"},
		"no issuer":             {jwtOf(func(s *spec.JWT) { s.Secret, s.Issuers = jwtSecret, []string{"https://id.test"} }), good, 401, "another issuer"},
		"another audience":      {jwtOf(func(s *spec.JWT) { s.Secret, s.Audiences = jwtSecret, []string{"shop"} }), signed(map[string]any{"aud": []string{"bank", "shopping"}}), 401, "for others"},
		"claim missing":         {jwtOf(func(s *spec.JWT) { s.Secret, s.Claims = jwtSecret, map[string]string{"admin": ""} }), good, 403, "insufficient_scope"},
		"claim of another text": {jwtOf(func(s *spec.JWT) { s.Secret, s.Claims = jwtSecret, map[string]string{"role": "admin, root"} }), signed(map[string]any{"role": "administrator"}), 403, "insufficient_scope"},
		"scope missing":         {jwtOf(func(s *spec.JWT) { s.Secret, s.Claims = jwtSecret, map[string]string{"scope": "write"} }), signed(map[string]any{"scope": "read writer"}), 403, "insufficient_scope"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			if tt.token != "" {
				lines = append(lines, bearer(tt.token))
			}
			_, r, passed := askJWT(t, made(t, tt.spec), lines...)
			if challenge := r.header.Get("WWW-Authenticate"); passed || r.status != tt.status || !strings.HasPrefix(challenge, "Bearer") || !strings.Contains(challenge, tt.reason) {
				t.Errorf("answered %d, WWW-Authenticate: %s; want %d, %q", r.status, challenge, tt.status, tt.reason)
			}
		})
	}
}

// embedded is a token that brings the key it is signed with along.
func embedded(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	payload, _ := json.Marshal(claimsFor(nil))
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What is allowed, and by how much clocks may differ.
func TestJWTClaims(t *testing.T) {
	ago := time.Now().Add(-5 * time.Second).Unix()
	for name, tt := range map[string]struct {
		change func(*spec.JWT)
		claims map[string]any
	}{
		"leeway":            {withSecret, map[string]any{"exp": ago}},
		"without expiry":    {func(s *spec.JWT) { withSecret(s); s.WithoutExpiry = true }, map[string]any{"exp": nil}},
		"one of issuers":    {func(s *spec.JWT) { withSecret(s); s.Issuers = []string{"a", "b"} }, map[string]any{"iss": "b"}},
		"audience, text":    {func(s *spec.JWT) { withSecret(s); s.Audiences = []string{"shop"} }, map[string]any{"aud": "shop"}},
		"audience, list":    {func(s *spec.JWT) { withSecret(s); s.Audiences = []string{"shop"} }, map[string]any{"aud": []string{"x", "shop"}}},
		"any value":         {func(s *spec.JWT) { withSecret(s); s.Claims = map[string]string{"email": ""} }, map[string]any{"email": "a@b"}},
		"word of a scope":   {func(s *spec.JWT) { withSecret(s); s.Claims = map[string]string{"scope": "write"} }, map[string]any{"scope": "read write"}},
		"boolean":           {func(s *spec.JWT) { withSecret(s); s.Claims = map[string]string{"admin": "true"} }, map[string]any{"admin": true}},
		"inside others":     {func(s *spec.JWT) { withSecret(s); s.Claims = map[string]string{"realm.roles": "b,c"} }, map[string]any{"realm": map[string]any{"roles": []string{"a", "b"}}}},
		"a name with a dot": {func(s *spec.JWT) { withSecret(s); s.Claims = map[string]string{"https://x.test/role": "a"} }, map[string]any{"https://x.test/role": "a"}},
	} {
		if _, r, passed := askJWT(t, made(t, jwtOf(tt.change)), bearer(tokenFor(t, jose.HS256, []byte(jwtSecret), tt.claims))); !passed {
			t.Errorf("%s: answered %d %s", name, r.status, r.header.Get("WWW-Authenticate"))
		}
	}
}

// The upstream believes what the fields say, so nobody but the token may set them.
func TestJWTHeaders(t *testing.T) {
	s := jwtOf(func(s *spec.JWT) {
		withSecret(s)
		s.Headers = map[string]string{"x-user": "sub", "X-Roles": "realm.roles", "X-Level": "level", "X-Lines": "lines", "X-All": "realm", "X_Mail": "email"}
		s.RemoveToken = true
	})
	x, _, passed := askJWT(t, made(t, s), bearer(tokenFor(t, jose.HS256, []byte(jwtSecret), map[string]any{
		"realm": map[string]any{"roles": []string{"a", "b"}}, "lines": "a\r\nX-User: root", "sub": "bob", "level": 9007199254740993,
	})), "X-User: root", "X_User: root", "x_mail: root@h", "X-Mail: root@h", "X-LEVEL: 1", "X-Lines: mine", "X-Other: kept")
	if !passed {
		t.Fatal("refused")
	}
	for name, want := range map[string]string{
		"X-User": "bob", "X-Roles": "a,b", "X-Level": "9007199254740993", "X-Lines": "", "X-All": `{"roles":["a","b"]}`,
		"X_User": "", "X_Mail": "", "X-Mail": "", "X-Other": "kept", "Authorization": "",
	} {
		if got := x.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// A token may be in a cookie; where there are two, the upstream might believe the
// other one.
func TestJWTCookie(t *testing.T) {
	s := jwtOf(func(s *spec.JWT) { withSecret(s); s.Cookie, s.RemoveToken = "session", true })
	m := made(t, s)
	good := tokenFor(t, jose.HS256, []byte(jwtSecret), nil)
	for _, tt := range []struct {
		lines  []string
		status int
		cookie string // as the upstream sees it, and:
		login  string
	}{
		{[]string{"Cookie: a=b; session=" + good + "; c=d"}, 200, "a=b; c=d", ""},
		{[]string{"Cookie: session=" + good}, 200, "", ""},
		{[]string{"Cookie: session=" + good, "Authorization: Basic eDp5"}, 200, "", "Basic eDp5"},
		{[]string{"Cookie: session=x", bearer(good)}, 200, "", ""},
		{[]string{"Cookie: session=" + good, bearer("x")}, 401, "", ""},
		{[]string{"Cookie: sessions=" + good}, 401, "", ""},
		{[]string{"Cookie: session=" + good + "; session=x"}, 400, "", ""},
		{[]string{"Cookie: session=" + good, "Cookie: session=x"}, 400, "", ""},
		{[]string{bearer(good), bearer("x")}, 400, "", ""},
	} {
		x, r, _ := askJWT(t, m, tt.lines...)
		if r.status != tt.status || r.status == 200 && (x.Header.Get("Cookie") != tt.cookie || x.Header.Get("Authorization") != tt.login) {
			t.Errorf("%.40q: answered %d, want %d; the upstream sees %v", tt.lines, r.status, tt.status, &x.Header)
		}
	}
}

// Keys in a file count from when it is there, and no older ones once it has changed.
func TestJWTKeyFile(t *testing.T) {
	k := testKeys()
	path := filepath.Join(t.TempDir(), "keys")
	m := made(t, jwtOf(func(s *spec.JWT) { s.KeyFile = path }))
	good := bearer(tokenFor(t, jose.ES256, k.ec, nil))
	ask := func(want int) {
		t.Helper()
		file := m.(*kept).Middleware.(*jwt).source.(keyFile)
		file.looked = time.Time{}
		if x, r, _ := askJWT(t, m, good); r.status != want {
			t.Errorf("answered %d, want %d: %v", r.status, want, x.Outcome.Err)
		}
		varies, err := m.(lb.Faulty).Fault()
		if !varies || (err != nil) != (want == 503) || err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the fault is %v", err)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ask(503)
	write(publicPEM(t, k.ec))
	ask(200)
	write(publicPEM(t, k.ed))
	ask(401)
	write("nothing of use")
	ask(503)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: []byte(jwtSecret)}, {Key: k.weakRSA.Public()}, {Key: k.ec.Public(), Use: "enc"}, {Key: k.ec.Public(), Use: "sig", KeyID: "one"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(string(set))
	ask(200)
}

// What makes no sense is told at once, without a secret in it.
func TestJWTSpecsWithoutSense(t *testing.T) {
	k := testKeys()
	private, err := x509.MarshalPKCS8PrivateKey(k.rsa)
	if err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*spec.JWT){
		"come from one of":                     func(*spec.JWT) {},
		"come from one of ":                    func(s *spec.JWT) { s.Secret, s.KeyFile = jwtSecret, "x" },
		`no algorithm "none"`:                  func(s *spec.JWT) { s.Secret, s.Algorithms = jwtSecret, []string{"none"} },
		`no algorithm "RS256"`:                 func(s *spec.JWT) { s.Secret, s.Algorithms = jwtSecret, []string{"RS256"} },
		`no algorithm "HS256"`:                 func(s *spec.JWT) { s.KeyFile, s.Algorithms = "x", []string{"RS256", "HS256"} },
		"32 bytes or more, not 5":              func(s *spec.JWT) { s.Secret = "s3cre" },
		"what is expected is a public key":     func(s *spec.JWT) { s.Key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})) },
		"no public key for signatures":         func(s *spec.JWT) { s.Key = publicPEM(t, k.weakRSA) },
		"no public key for signatures (RSA of": func(s *spec.JWT) { s.Key = `{"kty":"oct","k":"c2VjcmV0"}` },
		"like a JWK":                           func(s *spec.JWT) { s.Key = `{"keys":` },
		"no key for the algorithms HS512":      func(s *spec.JWT) { s.Secret, s.Algorithms = jwtSecret, []string{"HS512"} },
		"no key for the algorithms ES256":      func(s *spec.JWT) { s.Key, s.Algorithms = publicPEM(t, k.rsa), []string{"ES256"} },
		"no http or https URL":                 func(s *spec.JWT) { s.JWKSURL = "file:///etc/passwd" },
		"set by the load balancer alone":       func(s *spec.JWT) { withSecret(s); s.Headers = map[string]string{"Content-Length": "sub"} },
		"is no name of a field":                func(s *spec.JWT) { withSecret(s); s.Headers = map[string]string{"X Y": "sub"} },
		"gets no claim":                        func(s *spec.JWT) { withSecret(s); s.Headers = map[string]string{"X-Y": ""} },
		"is no name of a cookie":               func(s *spec.JWT) { withSecret(s); s.Cookie = "a;b" },
		"leeway is from":                       func(s *spec.JWT) { withSecret(s); s.Leeway = time.Hour },
		"refresh is":                           func(s *spec.JWT) { withSecret(s); s.Refresh = time.Second },
		"no less than refresh":                 func(s *spec.JWT) { withSecret(s); s.MaxAge = time.Minute },
	} {
		_, err := NewRegistry().Middleware("test", jwtOf(change))
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "s3cre") || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("the error is %v, want %q", err, want)
		}
	}
}

func FuzzJWT(f *testing.F) {
	m, err := newJWT(jwtOf(withSecret))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(tokenFor(f, jose.HS256, []byte(jwtSecret), nil))
	f.Add(tokenFor(f, jose.HS256, []byte(otherSecret), nil, "kid", "x"))
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		x, _ := exchange(t, "GET http://h/", "Authorization: Bearer "+text)
		if c, err := m.check(x); err == nil && c["sub"] != "alice" {
			t.Errorf("%q is taken for a token", text)
		}
	})
}

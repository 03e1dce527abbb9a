package lb

import (
	"errors"
	"math/rand/v2"
	"path"
	"strings"
	"testing"
)

func TestCleanPath(t *testing.T) {
	for _, tc := range []struct {
		sent, path, raw string
		err             error
	}{
		{sent: "/", path: "/", raw: "/"},
		{sent: "/a/b.c/", path: "/a/b.c/", raw: "/a/b.c/"},
		{sent: "/a//b///", path: "/a/b/", raw: "/a/b/"},
		{sent: "/a/./b/../c", path: "/a/c", raw: "/a/c"},
		{sent: "/a/b/..", path: "/a/", raw: "/a/"},
		{sent: "/a/.", path: "/a/", raw: "/a/"},
		{sent: "/../../a", path: "/a", raw: "/a"},
		{sent: "/a/%2e%2E/b", path: "/b", raw: "/b"},
		{sent: "/a/%2e/.%2e", path: "/", raw: "/"},
		{sent: "/caf%C3%A9", path: "/café", raw: "/caf%C3%A9"},
		{sent: "/café", path: "/café", raw: "/caf%C3%A9"},
		{sent: "/a%2Fb%20c", path: "/a/b c", raw: "/a%2Fb%20c"},
		{sent: "/%2fa", path: "/a", raw: "/%2fa"},
		{sent: "/a%2f/b", path: "/a/b", raw: "/a%2f/b"},
		{sent: "/a%2fb/../c", path: "/c", raw: "/c"},
		{sent: "/a/%252e%252e/x", path: "/a/%2e%2e/x", raw: "/a/%252e%252e/x"},
		{sent: "/%2541", path: "/%41", raw: "/%2541"},
		{sent: "/a%3Fb%23c", path: "/a?b#c", raw: "/a%3Fb%23c"},
		{sent: "/...", path: "/...", raw: "/..."},
		{sent: "/a;v=1/b", path: "/a;v=1/b", raw: "/a;v=1/b"},
		{sent: "/a%5cb", path: `/a\b`, raw: "/a%5cb"},
		{sent: "/%E9", path: "/\xe9", raw: "/%E9"},

		{sent: "", err: errPathSlash},
		{sent: "a", err: errPathSlash},
		{sent: "/a b", err: errPathByte},
		{sent: "/a\x7f", err: errPathByte},
		{sent: "/a\x00", err: errPathByte},
		{sent: "/a#b", err: errPathByte},
		{sent: `/a\..\b`, err: errPathByte},
		{sent: "/%", err: errPathPercent},
		{sent: "/%4", err: errPathPercent},
		{sent: "/%zz", err: errPathPercent},
		{sent: "/a%00", err: errPathNUL},
		{sent: "/static/..%2fadmin", err: errPathDots},
		{sent: "/a%2f../admin", err: errPathDots},
		{sent: "/a%2f.%2fb", err: errPathDots},
		{sent: "/static/..%5cadmin", err: errPathDots},
		{sent: "/static/..;/admin", err: errPathDots},
		{sent: "/static/..;x=y/admin", err: errPathDots},
		{sent: "/static/%2e%2e%3b/admin", err: errPathDots},
		{sent: "/%c0%ae%c0%ae/admin", err: errPathUTF8},
		{sent: "/%e0%80%af", err: errPathUTF8},
	} {
		path, raw, err := cleanPath(tc.sent)
		if !errors.Is(err, tc.err) || err == nil && (path != tc.path || raw != tc.raw) {
			t.Errorf("%q: path %q, raw %q, error %v; want %q, %q, %v", tc.sent, path, raw, err, tc.path, tc.raw, tc.err)
		}
	}
}

func TestStripPrefix(t *testing.T) {
	for _, tc := range []struct {
		sent, prefix, path, raw string
		kept, bad               bool
	}{
		{sent: "/cerebro/", prefix: "/cerebro/", path: "/", raw: "/"},
		{sent: "/cerebro/x/y", prefix: "/cerebro/", path: "/x/y", raw: "/x/y"},
		{sent: "/cerebro//x", prefix: "/cerebro/", path: "/x", raw: "/x"},
		{sent: "/cerebro", prefix: "/cerebro/", path: "/cerebro", raw: "/cerebro", kept: true},
		{sent: "/api", prefix: "/api", path: "/", raw: "/"},
		{sent: "/apix", prefix: "/api", path: "/x", raw: "/x"},
		{sent: "/api%2Fx", prefix: "/api", path: "/x", raw: "/x"},
		{sent: "/api%2F/x", prefix: "/api/", path: "/x", raw: "/x"},
		{sent: "/%2Fapi/%2Fx", prefix: "/api", path: "/x", raw: "/x"},
		{sent: "/api/a%2Fb", prefix: "/api", path: "/a/b", raw: "/a%2Fb"},
		{sent: "/%61pi/%62", prefix: "/api", path: "/b", raw: "/%62"},
		{sent: "/caf%C3%A9/x", prefix: "/café", path: "/x", raw: "/x"},
		{sent: "/x", prefix: "/", path: "/x", raw: "/x"},
		{sent: "/api../secret", prefix: "/api", bad: true},
		{sent: "/api.%2fsecret", prefix: "/api", bad: true},
	} {
		path, raw, err := cleanPath(tc.sent)
		if err != nil {
			t.Fatal(err)
		}
		path, raw, cut, err := stripPrefix(path, raw, tc.prefix)
		switch {
		case tc.bad && err == nil:
			t.Errorf("%q without %q: %q, want an error", tc.sent, tc.prefix, raw)
		case !tc.bad && (err != nil || path != tc.path || raw != tc.raw || cut == tc.kept):
			t.Errorf("%q without %q: path %q, raw %q, cut %v, error %v; want %q, %q", tc.sent, tc.prefix, path, raw, cut, err, tc.path, tc.raw)
		}
	}
}

// Every way we know to spell /admin/x either is refused or is matched as
// /admin/x, and what goes upstream means /admin/x to whoever decodes it, before
// or after resolving dots, once more or not.
func TestNoSpellingOfAPathEscapesItsRoute(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	passed := 0
	for range 20_000 {
		sent := disguise(random, "/admin/x")
		decoded, raw, err := cleanPath(sent)
		if err != nil {
			continue
		}
		passed++
		if decoded != "/admin/x" {
			t.Fatalf("%q is matched as %q", sent, decoded)
		}
		upstream, err := unescape(raw)
		if err != nil || path.Clean(upstream) != "/admin/x" {
			t.Fatalf("%q reaches the upstream as %q", sent, raw)
		}
	}
	if passed < 1000 {
		t.Errorf("only %d spellings were let through: the test tests little", passed)
	}
}

// disguise spells a path differently without changing what it means to someone
// who decodes once and resolves dot segments.
func disguise(random *rand.Rand, plain string) string {
	detours := []string{"/.", "/", "/y/..", "/y/%2e%2e", "/%2e", "/y/.%2E", "%2f", "%2F.", "/y%2f.."}
	var b strings.Builder
	for _, c := range []byte(plain) {
		for c == '/' && random.IntN(3) == 0 {
			b.WriteString(detours[random.IntN(len(detours))])
		}
		if random.IntN(6) == 0 && b.Len() > 0 {
			const hex = "0123456789abcdef"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func FuzzCleanPath(f *testing.F) {
	for _, seed := range []string{"/", "/a/../b", "/a%2f..", "//x", "/%2e%2e/", "/a;b/..;c", "/caf\xc3\xa9", "/%c0%ae"} {
		f.Add(seed, "/a")
	}
	f.Fuzz(func(t *testing.T, sent, prefix string) {
		path, raw, err := cleanPath(sent)
		if err != nil {
			return
		}
		checkClean(t, path, raw)
		if prefix == "" {
			return
		}
		if path, raw, _, err := stripPrefix(path, raw, prefix); err == nil {
			checkClean(t, path, raw)
		}
	})
}

func checkClean(t *testing.T, decoded, raw string) {
	t.Helper()
	for _, p := range []string{decoded, raw} {
		if !strings.HasPrefix(p, "/") || strings.Contains(p, "//") {
			t.Errorf("%q (path %q, raw %q) does not start with exactly one slash or repeats one", p, decoded, raw)
		}
		for segment := range strings.SplitSeq(p, "/") {
			if segment == "." || segment == ".." {
				t.Errorf("%q (path %q, raw %q) has a dot segment", p, decoded, raw)
			}
		}
	}
	again, rawAgain, err := cleanPath(raw)
	if err != nil || again != decoded || rawAgain != raw {
		t.Errorf("cleaning %q again gives %q, %q, %v; want %q", raw, again, rawAgain, err, decoded)
	}
}

package dial

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sluiceproxy/sluice/watch"
)

func TestResponseError(t *testing.T) {
	q := watch.VaultList{Path: "secret"}
	for _, test := range []struct {
		err  ResponseError
		want string
		kind error
	}{
		{ResponseError{Server: "vault", Query: q, Status: 500}, "vault: vault list secret: 500 Internal Server Error", nil},
		{ResponseError{Server: "vault", Query: q, Status: 404, Message: "none", Kind: watch.ErrNotFound, Hint: "ask"},
			"vault: vault list secret: 404 Not Found: none", watch.ErrNotFound},
		{ResponseError{Server: "vault", Query: q, Status: 403, Message: "no", Kind: Refusal(403), Hint: "ask"},
			"vault: vault list secret: 403 Forbidden: no; ask", watch.ErrDenied},
		{ResponseError{Server: "vault", Query: q, Status: 401, Kind: Refusal(401)}, "vault: vault list secret: 401 Unauthorized", watch.ErrDenied},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
		if test.kind != nil && !errors.Is(&test.err, test.kind) {
			t.Errorf("%v is no %v", &test.err, test.kind)
		}
	}
	if err := Refusal(http.StatusNotFound); err != nil {
		t.Errorf("404 is %v", err)
	}
}

func TestMessage(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{" two\n lines\t", "two lines"},
		{"the token hush-hush of hush", "the token *** of hush"},
		{strings.Repeat("x", 290) + "hush-hush", strings.Repeat("x", 290) + "***"},
		{strings.Repeat("x", 299) + "ä", strings.Repeat("x", 299) + "…"},
	} {
		if got := Message(test.text, "", "hush-hush"); got != test.want || !utf8.ValidString(got) {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

func TestCause(t *testing.T) {
	inner := errors.New("refused")
	if err := Cause(&url.Error{Op: "Get", URL: "https://host/?token=planted", Err: inner}); err != inner { //nolint:errorlint // the very error
		t.Errorf("got %v", err)
	}
	if err := Cause(inner); err != inner { //nolint:errorlint // the very error
		t.Errorf("got %v", err)
	}
}

func TestUserAgent(t *testing.T) {
	var agents []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.UserAgent())
	}))
	defer server.Close()
	for _, agent := range []string{"", "team/1"} {
		client, base, err := Target{Address: server.URL, UserAgent: agent}.Client()
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("User-Agent", "a library")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if r.UserAgent() != "a library" {
			t.Error("the caller's request is changed")
		}
		client.CloseIdleConnections()
	}
	if len(agents) != 2 || agents[0] != "a library" || agents[1] != "team/1" {
		t.Errorf("got %q", agents)
	}
}

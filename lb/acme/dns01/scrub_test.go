package dns01

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScrub(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	environment := []string{"CF_DNS_API_TOKEN=0123456789", "A_PASSWORD=short", "HOME=/root/of/all", "PORKBUN_API_KEY_FILE=" + file, "NO_KEY_FILE=/none", "EMPTY_TOKEN="}
	for text, want := range map[string]string{
		`Get "https://www.duckdns.test/update?domains=a&token=t": EOF`: `Get "https://www.duckdns.test/update?***": EOF`,
		"https://me:secret@ns.test/x?y said no":                        "https://ns.test/x?*** said no",
		`Post "http://me:secret@ns.test/x": EOF`:                       `Post "http://ns.test/x": EOF`,
		"the token 0123456789 is unknown":                              "the token *** is unknown",
		"from-a-file is no key, shortly, in /root/of/all":              "*** is no key, shortly, in /root/of/all",
		"what?": "what?",
	} {
		if got := scrub(text, environment); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestScrubbed(t *testing.T) {
	if scrubbed(nil) != nil {
		t.Error("nothing is an error")
	}
	plain := errors.New("plain")
	if !errors.Is(scrubbed(plain), plain) {
		t.Error("an error that needs no change is another one")
	}
	if got := scrubbed(errors.New(strings.Repeat("ä", maxText))).Error(); len(got) > maxText+3 || !strings.HasSuffix(got, "ä…") {
		t.Errorf("got %d bytes", len(got))
	}
}

// What a provider's error has of secrets goes nowhere.
func TestSolverHidesSecrets(t *testing.T) {
	t.Setenv("DUCKDNS_TOKEN", "confidential")
	p := &fake{fail: &url.Error{Op: "Get", URL: "https://www.duckdns.test/update?token=confidential&txt=", Err: errors.New("no such host (confidential)")}}
	s := solverWith(t, Options{}, p, &locks{})
	err := s.Present(t.Context(), challengeFor("example.test", "1"))
	if err == nil || strings.Contains(err.Error(), "confidential") || !strings.Contains(err.Error(), `Get "https://www.duckdns.test/update?***": no such host (***)`) {
		t.Errorf("got %v", err)
	}
}

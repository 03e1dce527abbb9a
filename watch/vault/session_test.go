package vault

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluiceproxy/sluice/watch"
	"github.com/sluiceproxy/sluice/watch/dial"
)

var app = watch.VaultSecret{Path: "kv/app"}

// withApp answers app.
func withApp(more map[string]func(object) (int, object)) *fake {
	more["GET kv/app"] = always(200, object{"data": object{"k": "v"}})
	return &fake{answers: more}
}

// runFor runs s until the test's bubble ends.
func runFor(t *testing.T, s *Source) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx)
	}()
	return func() { cancel(); <-ended }
}

func TestSession_Tokens(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	unwrap := always(200, object{"auth": object{"client_token": "inner"}})
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"fixed":             {Config{Token: "fixed"}, "fixed"},
		"none":              {Config{}, ""},
		"file before fixed": {Config{Token: "fixed", TokenFile: file("plain", "from-file\n")}, "from-file"},
		"wrapped":           {Config{Token: "outer", Unwrap: true}, "inner"},
		"wrapped in file":   {Config{TokenFile: file("wrapped", `{"token":"outer","ttl":60,"wrapped_accessor":"a"}`)}, "inner"},
		"kubernetes":        {Config{Kubernetes: Kubernetes{Role: "r", TokenPath: file("account", "jwt")}}, "logged-in"},
	} {
		f := withApp(map[string]func(object) (int, object){
			"PUT sys/wrapping/unwrap": unwrap,
			"PUT auth/kubernetes/login": func(body object) (int, object) {
				if body["role"] != "r" || body["jwt"] != "jwt" {
					return 400, object{"errors": []string{"bad"}}
				}
				return 200, object{"auth": object{"client_token": "logged-in"}}
			},
		})
		s, _ := newTestSource(t, f, func(c *Config) {
			test.config.Target, test.config.Logger = c.Target, c.Logger
			*c = test.config
		})
		fetch(t, s, app)
		fetch(t, s, app)
		want := strings.TrimSpace("GET kv/app " + test.want)
		if f.count(want) != 2 || f.requests[len(f.requests)-1] != want {
			t.Errorf("%s: %q", name, f.requests)
		}
		if f.count("PUT sys/wrapping") > 1 {
			t.Errorf("%s: unwrapped twice", name)
		}
	}
	s, _ := newTestSource(t, withApp(map[string]func(object) (int, object){}), func(c *Config) { c.TokenFile = filepath.Join(folder, "none") })
	if _, err := s.Fetch(t.Context(), watch.Request{Query: app}); err == nil || !strings.Contains(err.Error(), "token file") {
		t.Errorf("got %v", err)
	}
}

// The token is renewed at about two thirds of what was granted last.
func TestSession_Renewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := withApp(map[string]func(object) (int, object){
			"GET auth/token/lookup-self": always(200, object{"data": object{"ttl": 3600, "renewable": true}}),
			"PUT auth/token/renew-self":  always(200, object{"auth": object{"client_token": planted, "lease_duration": 3600, "renewable": true}}),
		})
		s, logged := newTestSource(t, f, func(c *Config) { c.Renew = true })
		stop := runFor(t, s)
		time.Sleep(time.Hour)
		if len(f.requests) != 0 {
			t.Errorf("asked before anything was needed: %q", f.requests)
		}
		fetch(t, s, app)
		time.Sleep(35 * time.Minute)
		if n := f.count("PUT auth/token/renew-self"); n != 0 {
			t.Errorf("renewed %d times too early", n)
		}
		time.Sleep(8 * time.Minute)
		if n := f.count("PUT auth/token/renew-self"); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		time.Sleep(42 * time.Minute)
		if n := f.count("PUT auth/token/renew-self"); n != 2 {
			t.Errorf("renewed %d times", n)
		}
		stop()
		if strings.Contains(logged.String(), planted) || logged.Len() > 0 {
			t.Errorf("logged %s", logged)
		}
	})
}

func TestSession_RenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := withApp(map[string]func(object) (int, object){
			"GET auth/token/lookup-self": always(403, object{"errors": []string{"no " + planted}}),
		})
		s, logged := newTestSource(t, f, func(c *Config) { c.Renew = true })
		stop := runFor(t, s)
		fetch(t, s, app)
		time.Sleep(time.Minute)
		stop()
		if n := f.count("GET auth/token/lookup-self"); n < 5 || n > 8 {
			t.Errorf("tried %d times", n)
		}
		if text := logged.String(); strings.Count(text, "level=WARN") != 1 || strings.Contains(text, planted) {
			t.Errorf("logged %s", text)
		}
	})
}

// Another token in the agent's file is used soon, and what was refused is asked
// for again.
func TestSession_FollowsItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("first"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		f := withApp(map[string]func(object) (int, object){})
		s, _ := newTestSource(t, f, func(c *Config) {
			*c = Config{Target: dial.Target{Address: c.Target.Address}, TokenFile: file, Logger: c.Logger}
		})
		stop := runFor(t, s)
		fetch(t, s, app)
		renewed := s.Renewed()
		if err := os.WriteFile(file, []byte("the second"), 0o600); err != nil {
			t.Fatal(err)
		}
		<-renewed
		fetch(t, s, app)
		stop()
		if last := f.requests[len(f.requests)-1]; last != "GET kv/app the second" {
			t.Errorf("asked %s", last)
		}
	})
}

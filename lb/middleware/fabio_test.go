package middleware

import (
	"fmt"
	"sync"
	"testing"

	"github.com/sluiceproxy/sluice/lb"
	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestFabioRedirectLocation(t *testing.T) {
	for _, test := range []struct{ name, url, path, query, want string }{
		{"a fixed one drops path and query", "https://x/start", "/a", "?q=1", "https://x/start"},
		{"an empty path is a slash", "https://x", "/a", "?q=1", "https://x/"},
		{"an empty path before a query", "https://x?a=b", "/a", "", "https://x/?a=b"},
		{"the path behind the host", "https://x$path", "/a/b", "", "https://x/a/b"},
		{"no slash is doubled", "https://x/$path", "/a/b", "", "https://x/a/b"},
		{"behind a prefix", "https://x/p/$path", "/a", "", "https://x/p/a"},
		{"the query is kept", "https://x/$path", "/a", "?q=1;2", "https://x/a?q=1;2"},
		{"unless there is another", "https://x/$path?own=1", "/a", "?q=1", "https://x/a?own=1"},
		{"a fragment stays at the end", "https://x/$path#part", "/a", "?q=1", "https://x/a?q=1#part"},
		{"of any URL", "https://x?a=b#c/d?e", "/a", "?q=1", "https://x/?a=b#c/d?e"},
		{"escapes are kept in either form", "https://x$path", "/a%2Fb", "", "https://x/a%2Fb"},
		{"the host as sent", "https://$host/$path", "/a", "", "https://here.test:8080/a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &lb.Exchange{Authority: "here.test:8080", RawPath: test.path, RawQuery: test.query}
			if got := newRedirectTo(spec.Redirect{Code: 301, URL: test.url}).location(x); got != test.want {
				t.Errorf("leads to %s, want %s", got, test.want)
			}
		})
	}
}

// What one client is told is nothing of another's.
func TestRedirectsOfManyClients(t *testing.T) {
	redirect := newRedirectTo(spec.Redirect{Code: 301, URL: "https://$host/$path"})
	var clients sync.WaitGroup
	for n := range 16 {
		clients.Go(func() {
			for i := range 1000 {
				host, path := fmt.Sprintf("host-%d.test", n), fmt.Sprintf("/%d/%d", n, i)
				if got := redirect.location(&lb.Exchange{Authority: host, RawPath: path}); got != "https://"+host+path {
					t.Errorf("client %d is led to %s", n, got)
					return
				}
			}
		})
	}
	clients.Wait()
}

func TestAddQuery(t *testing.T) {
	for sent, want := range map[string]string{"": "?a=1", "?": "?a=1", "?b=2": "?a=1&b=2"} {
		x := &lb.Exchange{RawQuery: sent}
		if err := (addQuery{Query: "a=1"}).Preview(x); err != nil || x.RawQuery != want {
			t.Errorf("%q becomes %q, %v", sent, x.RawQuery, err)
		}
	}
}

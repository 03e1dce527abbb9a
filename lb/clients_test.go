package lb

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/internal/parts"
)

// runClient runs a real client and returns what it says.
func runClient(t *testing.T, stdin string, program string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), parts.Path(t, program), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", program, args, err, out)
	}
	return string(out)
}

// trailing answers with the protocol, what was expected, and the length of the
// body; and has its sum follow.
func trailing(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	w.Header().Set("Trailer", "X-Sum")
	fmt.Fprintf(w, "%s %s %d %v %v\n", r.Method, r.RequestURI, n, r.ContentLength, err)
	w.Header().Set("X-Sum", strconv.FormatInt(n, 10))
}

func TestCurl(t *testing.T) {
	route := testRoute{prefix: "/", backends: []string{httpBackend(t, trailing)}}
	plain := start(t, nil, route)
	encrypted, _ := startTLS(t, "HTTP/1.1", nil, route)
	body := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(body, bytes.Repeat([]byte("0123456789abcdef"), 3<<20/16), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"HTTP 1.0", "GET /x 0 0 <nil>", []string{"--http1.0"}},
		{"HTTP 1.1", "GET /x 0 0 <nil>", []string{"--http1.1"}},
		{"HTTP 2 where it is agreed on", "GET /x 0 0 <nil>", []string{"--http2"}},
		{"expect continue", "HTTP/1.1 100 Continue", []string{"--http1.1", "-i", "-H", "Expect: 100-continue", "--expect100-timeout", "20", "-T", body}},
		{"upload", "PUT /x 3145728 3145728 <nil>", []string{"--http1.1", "-T", body}},
		{"chunked upload", "PUT /x 3145728 -1 <nil>", []string{"--http1.1", "-H", "Transfer-Encoding: chunked", "-T", body}},
		{"chunked upload of stdin", "PUT /x 5 -1 <nil>", []string{"-T", "-"}},
		{"upload over HTTP 1.0", "PUT /x 3145728 3145728 <nil>", []string{"--http1.0", "-T", body}},
		{"trailers", "X-Sum: 0", []string{"--http1.1", "--raw", "-H", "TE: trailers", "-H", "Connection: TE"}},
		{"head", "HTTP/1.1 200 OK", []string{"--http1.1", "-I"}},
		{"form", "POST /x", []string{"-F", "file=@" + body}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, url := range []string{"http://" + plain.addr + "/x", "https://" + encrypted.addr + "/x"} {
				args := append([]string{"-sS", "-k", "--fail", "--max-time", "60"}, test.args...)
				if got := runClient(t, "hello", "curl", append(args, url)...); !strings.Contains(got, test.want) {
					t.Errorf("%s: %q in\n%s", url, test.want, got)
				}
			}
		})
	}
	t.Run("HTTP 2", func(t *testing.T) {
		url := "https://" + encrypted.addr + "/x"
		args := []string{"-sS", "-k", "--fail", "--http2", "--max-time", "60", "-w", "%{http_version} %{num_connects}\n", "-T", body, url, "-T", body, url}
		got := runClient(t, "", "curl", args...)
		if strings.Count(got, "PUT /x 3145728 3145728 <nil>") != 2 || !strings.Contains(got, "\n2 1\n") || !strings.Contains(got, "\n2 0\n") {
			t.Errorf("want two uploads over one connection of HTTP/2:\n%s", got)
		}
	})
	t.Run("one connection", func(t *testing.T) {
		url := "http://" + plain.addr + "/x"
		got := runClient(t, "", "curl", "-sS", "--fail", "--max-time", "60", "-w", "%{num_connects} connects\n", url, url, url)
		if strings.Count(got, "\n0 connects\n") != 2 {
			t.Errorf("want one connection for three requests:\n%s", got)
		}
	})
}

// A small load from each of the usual tools, and no error.
func TestLoadTools(t *testing.T) {
	route := testRoute{prefix: "/", backends: []string{httpBackend(t, echo)}}
	plain := start(t, nil, route)
	encrypted, _ := startTLS(t, "HTTP/1.1", nil, route)
	httpURL, httpsURL := "http://"+plain.addr+"/x", "https://"+encrypted.addr+"/x"
	succeeded := regexp.MustCompile(`500 succeeded, 0 failed, 0 errored, 0 timeout`)
	for name, run := range map[string]func(t *testing.T) bool{
		"h2load HTTP 1.1": func(t *testing.T) bool {
			return succeeded.MatchString(runClient(t, "", "h2load", "--h1", "-n", "500", "-c", "8", httpURL))
		},
		"h2load TLS": func(t *testing.T) bool {
			return succeeded.MatchString(runClient(t, "", "h2load", "--h1", "-n", "500", "-c", "8", httpsURL))
		},
		"h2load HTTP 2": func(t *testing.T) bool {
			return succeeded.MatchString(runClient(t, "", "h2load", "-n", "500", "-c", "4", "-m", "10", httpsURL))
		},
		"wrk": func(t *testing.T) bool {
			out := runClient(t, "", "wrk", "-t", "1", "-c", "8", "-d", "1s", httpURL)
			return strings.Contains(out, "requests in") && !strings.Contains(out, "Non-2xx") && !strings.Contains(out, "Socket errors")
		},
		"ab": func(t *testing.T) bool {
			out := runClient(t, "", "ab", "-n", "500", "-c", "8", httpURL)
			return regexp.MustCompile(`Complete requests: +500\nFailed requests: +0\n`).MatchString(out) && !strings.Contains(out, "Non-2xx")
		},
		"ab keep-alive": func(t *testing.T) bool {
			out := runClient(t, "", "ab", "-k", "-n", "500", "-c", "8", httpURL)
			return regexp.MustCompile(`Failed requests: +0\n`).MatchString(out) && regexp.MustCompile(`Keep-Alive requests: +500\n`).MatchString(out)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !run(t) {
				t.Error("there were failures")
			}
		})
	}
}

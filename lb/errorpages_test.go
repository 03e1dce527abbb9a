package lb

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/tags"
)

// taken is a Reply that takes down the answer.
type taken struct {
	status int
	body   strings.Builder
	ended  bool
}

func (r *taken) Inform(int, *Header) error { return nil }
func (r *taken) Begin(status int, _ *Header, _ int64) error {
	r.status = status
	return nil
}
func (r *taken) Write(p []byte) (int, error) { return r.body.Write(p) }
func (r *taken) Flush() error                { return nil }
func (r *taken) End(*Header) error {
	r.ended = true
	return nil
}
func (r *taken) Upgrade(string, *Header) (io.ReadWriteCloser, error) { return nil, io.EOF }

func TestErrorPages(t *testing.T) {
	pages := &Route{Route: &tags.Route{Declaration: tags.Declaration{Name: "pages"}}}
	e, err := newErrorPages(&spec.Errors{
		Status: []string{"500-599", "418"}, Service: "pages", Query: "/{status}.html?was={originalStatus}&at={url}",
		StatusRewrites: map[string]string{"418": "404"}, RequestHeaders: []string{"accept"},
	}, via{"pages", pages})
	if err != nil {
		t.Fatal(err)
	}
	var asked string
	for _, test := range []struct {
		status int // of the application; 0 is a target that fails
		told   int
		asked  string
		body   string
	}{
		{200, 200, "", "application"},
		{404, 404, "", "application"},
		{500, 500, "GET /500.html?was=500&at=http%3A%2F%2Fh%2Fa%3Fb", "page"},
		{418, 404, "GET /404.html?was=418&at=http%3A%2F%2Fh%2Fa%3Fb", "page"},
		{0, 502, "GET /502.html?was=502&at=http%3A%2F%2Fh%2Fa%3Fb", "page"},
	} {
		x, err := Question{Method: "POST", URL: "http://h/a?b"}.Exchange(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		reply, route := &taken{}, &Route{}
		asked, x.Reply, x.Route = "", reply, route
		x.Body, x.Length = strings.NewReader("form"), 4
		x.Header.Add("Accept", "text/html")
		x.Header.Add("Cookie", "a=b")
		x.forward = handlerFunc(func(x *Exchange) {
			switch {
			case x.Route == pages:
				asked = x.Request.Method + " " + x.RawPath + x.RawQuery
				if x.Body != nil || x.Header.Has("Cookie") || !x.Header.Has("Accept") {
					t.Errorf("the page was asked with %v and a body %v", x.Header, x.Body)
				}
				x.Outcome.Status = 200
				x.Answer(200, &Header{}, "page")
			case test.status == 0:
				x.Outcome.Err = errors.New("refused")
				x.AnswerText(502, "502 bad gateway")
			default:
				x.Outcome.Status = test.status
				x.Answer(test.status, &Header{}, "application")
			}
		})
		e.Serve(x, lastHandler{})
		if reply.status != test.told || reply.body.String() != test.body || asked != test.asked || !reply.ended {
			t.Errorf("%d: the client got %d %q, the pages were asked %q", test.status, reply.status, reply.body.String(), asked)
		}
		if x.Outcome.Status != test.told || x.Route != route || x.Request.Method != "POST" {
			t.Errorf("%d: the outcome is %+v of route %v", test.status, x.Outcome, x.Route)
		}
		if failed := x.Outcome.Err != nil; failed != (test.status == 0) {
			t.Errorf("%d: the error is %v", test.status, x.Outcome.Err)
		}
	}
	for range 20 { // in whatever order the map is read
		e, err := newErrorPages(&spec.Errors{StatusRewrites: map[string]string{
			"400-499": "400", "410-420": "410", "418": "418", "415-425": "415", "200-599": "200",
		}}, via{"pages", pages})
		for status, want := range map[int]int{418: 418, 411: 410, 417: 410, 424: 415, 404: 400, 500: 200, 600: 600} {
			if told := e.told(status); told != want || err != nil {
				t.Fatalf("%d becomes %d, want %d: %v", status, told, want, err)
			}
		}
	}
	for _, bad := range []*spec.Errors{
		{Status: []string{"5xx"}, Service: "pages"},
		{Status: []string{"500"}, Service: "pages", StatusRewrites: map[string]string{"x": "404"}},
		{Status: []string{"500"}, Service: "pages", StatusRewrites: map[string]string{"404": "0"}},
	} {
		if _, err := newErrorPages(bad, via{"pages", pages}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// What an address cannot hold is escaped in that of a page.
func TestAddressOfErrorPage(t *testing.T) {
	for query, want := range map[string]string{
		"page":                     "/page",
		"":                         "/",
		"/{other}/a b/\"é?q={x} y": "/%7Bother%7D/a%20b/%22%C3%A9?q=%7Bx%7D%20y",
		"/a%2Fb?c=%20?d":           "/a%2Fb?c=%20?d",
	} {
		asked := ""
		e, err := newErrorPages(&spec.Errors{Status: []string{"500"}, Service: "pages", Query: query}, via{"pages", &Route{}})
		if err != nil {
			t.Fatal(err)
		}
		x, err := Question{Method: "GET", URL: "http://h/"}.Exchange(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		x.Reply, x.Route = &taken{}, &Route{}
		x.forward = handlerFunc(func(x *Exchange) { asked = x.RawPath + x.RawQuery })
		if e.ask(x, 500); asked != want {
			t.Errorf("%q asks for %q, want %q", query, asked, want)
		}
	}
}

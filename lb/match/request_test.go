package match

import "testing"

func TestRoutingPath(t *testing.T) {
	for raw, want := range map[string]string{
		"/plain":        "/plain",
		"/foo%20bar":    "/foo bar",
		"/%61":          "/a",
		"/a%2Fb":        "/a%2Fb",
		"/a%2fb":        "/a%2Fb",
		"/a%2":          "/a%2",
		"/a%zz":         "/a%zz",
		"/caf%C3%A9":    "/café",
		"/100%25":       "/100%25",
		"/a%3Fb%23c%3b": "/a%3Fb%23c%3B",
	} {
		if got := RoutingPath(raw); got != want {
			t.Errorf("RoutingPath(%q) = %q, want %q", raw, got, want)
		}
	}
}

package lb

import (
	"slices"
	"testing"
)

func TestHeader(t *testing.T) {
	var h Header
	h.Add("Accept", "a")
	h.Add("X-One", "1")
	h.Add("ACCEPT", " b ,, c")
	if got := h.Get("accept"); got != "a" {
		t.Errorf("Get: %q", got)
	}
	if got := slices.Collect(h.Tokens("accept")); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Tokens: %q", got)
	}
	if !h.HasToken("Accept", "C") || h.HasToken("Accept", "d") || h.Has("Acc") {
		t.Error("HasToken or Has is wrong")
	}
	h.Set("aCCept", "z")
	if got := slices.Collect(h.Values("Accept")); !slices.Equal(got, []string{"z"}) || h.Len() != 2 {
		t.Errorf("after Set: %q of %d", got, h.Len())
	}
	h.Del("x-one")
	if h.Has("X-One") || h.Len() != 1 {
		t.Error("Del left something")
	}
}

func TestFieldNamesAreASCII(t *testing.T) {
	// Unicode folds the Kelvin sign and the long s to k and s.
	var h Header
	h.Add("\u212aeep-Alive", "1")
	if h.Has("Keep-Alive") {
		t.Error("a Kelvin sign was taken for a k")
	}
}

func TestDropConnectionFields(t *testing.T) {
	var h Header
	for _, f := range [][2]string{
		{"Connection", "close, X-Secret"}, {"Connection", "Host, content-length"}, {"Keep-Alive", "1"},
		{"Proxy-Connection", "x"}, {"TE", "gzip"}, {"Upgrade", "h2c"}, {"HTTP2-Settings", "x"}, {"x-secret", "x"},
		{"Transfer-Encoding", "chunked"}, {"Host", "h"}, {"Content-Length", "1"}, {"Accept", "a"},
	} {
		h.Add(f[0], f[1])
	}
	dropConnectionFields(&h)
	var left []string
	for name := range h.All() {
		left = append(left, name)
	}
	if want := []string{"Accept"}; !slices.Equal(left, want) {
		t.Errorf("left %q, want %q", left, want)
	}
}

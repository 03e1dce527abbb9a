package main

import "testing"

func TestParseWorkload(t *testing.T) {
	for text, want := range map[string]workload{
		"128/16":         {size: "128", bytes: 128, conns: 16},
		"16k/64":         {size: "16k", bytes: 16 << 10, conns: 64},
		"tls-1m/1":       {tls: true, size: "1m", bytes: 1 << 20, conns: 1},
		"post-4k/8":      {post: true, size: "4k", bytes: 4 << 10, conns: 8},
		"tls-post-128/2": {tls: true, post: true, size: "128", bytes: 128, conns: 2},
	} {
		got, err := parseWorkload(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
		if got.String() != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, bad := range []string{"", "128", "128/", "128/0", "k/1", "16g/1", "post-tls-16k/1", "0/1", "4096k/1"} {
		if got, err := parseWorkload(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

package lb

import "testing"

func TestParseHost(t *testing.T) {
	for _, tc := range []struct {
		authority, host string
		port            uint16
		bad             bool
	}{
		{authority: "", host: ""},
		{authority: "Example.COM", host: "example.com"},
		{authority: "example.com.", host: "example.com"},
		{authority: "example.com.:8080", host: "example.com", port: 8080},
		{authority: "a_b-c.d~e:1", host: "a_b-c.d~e", port: 1},
		{authority: "192.0.2.1:65535", host: "192.0.2.1", port: 65535},
		{authority: "[2001:DB8::1]", host: "[2001:db8::1]"},
		{authority: "[::1]:443", host: "[::1]", port: 443},
		{authority: "a:", bad: true},
		{authority: ":80", bad: true},
		{authority: "a:0", bad: true},
		{authority: "a:65536", bad: true},
		{authority: "a:+1", bad: true},
		{authority: "a:b", bad: true},
		{authority: "a:1:2", bad: true},
		{authority: "[::1", bad: true},
		{authority: "::1", bad: true},
		{authority: "[::1]x", bad: true},
		{authority: "[::1%25eth0]", bad: true},
		{authority: "[1.2.3.4]", bad: true},
		{authority: "a b", bad: true},
		{authority: "a,b", bad: true},
		{authority: "a/b", bad: true},
		{authority: "user@a", bad: true},
		{authority: `a\b`, bad: true},
		{authority: "a\x00", bad: true},
		{authority: `a"b`, bad: true},
	} {
		host, port, err := parseHost(tc.authority)
		if (err != nil) != tc.bad || host != tc.host || port != tc.port {
			t.Errorf("%q: host %q, port %d, error %v; want %q, %d, error %v", tc.authority, host, port, err, tc.host, tc.port, tc.bad)
		}
	}
}

func FuzzParseHost(f *testing.F) {
	for _, seed := range []string{"a.b:80", "[::1]:443", "a.", ":", "[", "]:1", "a:+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authority string) {
		host, _, err := parseHost(authority)
		if err != nil {
			return
		}
		if again, port, err := parseHost(host); err != nil || port != 0 || again != host && again+"." != host {
			t.Errorf("%q: host %q parses as %q, %d, %v", authority, host, again, port, err)
		}
	})
}

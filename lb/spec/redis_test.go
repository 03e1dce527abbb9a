package spec

import (
	"strings"
	"testing"
)

// An endpoint with a password in it is refused without repeating it.
func TestRedisEndpoints(t *testing.T) {
	for endpoint, want := range map[string]string{
		"r:6379":                         "",
		"[::1]:6379":                     "",
		"r":                              `"r" is not of the form host:port`,
		"r:":                             `"r:" is not of the form host:port`,
		"bob:planted@r:6379":             "options of their own",
		"redis://:planted@r:6379":        "options of their own",
		"redis://r:6379?password=plante": "options of their own",
	} {
		err := (&Redis{Endpoints: []string{endpoint}}).validate()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "plante")) {
			t.Errorf("%s: the error is %v, want %q", endpoint, err, want)
		}
	}
}

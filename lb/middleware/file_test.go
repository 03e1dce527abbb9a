package middleware

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluiceproxy/sluice/lb/spec"
)

func TestFilesOfSpecs(t *testing.T) {
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, want string }{
		{os.DevNull, "no regular file"},
		{t.TempDir(), "no regular file"},
		{large, "is larger than"},
		{large + ".not", "no such file"},
	} {
		if _, err := newForwardAuth(&spec.ForwardAuth{Address: "http://auth.test", TLS: &spec.ClientTLS{CA: test.path}}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("the authorities of %s: error %v, want %q", test.path, err, test.want)
		}
		if _, err := newBasicAuth(&spec.BasicAuth{UsersFile: test.path}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("the users of %s: error %v, want %q", test.path, err, test.want)
		}
	}
}

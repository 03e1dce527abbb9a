package unixsock

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Prefix is how addresses of sockets begin.
const Prefix = "unix:"

// maxPath is what the kernel has room for, with a zero at the end.
const maxPath = 107

// Path returns the path in "unix:/path" or "unix:///path", cleaned. It is not ok
// for other addresses.
func Path(address string) (path string, ok bool) {
	path, ok = strings.CutPrefix(address, Prefix)
	if !ok {
		return "", false
	}
	if path = strings.TrimPrefix(path, "//"); path == "" {
		return "", true
	}
	return filepath.Clean(path), true
}

// Check says what is wrong with a path of a socket.
func Check(path string) error {
	switch {
	case !filepath.IsAbs(path):
		return fmt.Errorf("the path of the socket %q does not begin with a slash", path)
	case path == "/":
		return fmt.Errorf("the path of the socket %q names no file", path)
	case len(path) > maxPath:
		return fmt.Errorf("the path of the socket %q is longer than %d bytes", path, maxPath)
	}
	return nil
}

// Package parts starts the real programs the tests run against: Consul, nginx,
// HAProxy, curl, a browser. A program that is not on the machine skips the
// test, except under CI=true, where it is a failure: there `make test-deps`
// has installed it.
package parts

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Path returns where the program is: in .bin of the checkout, then on PATH
// (with /usr/sbin, where Debian keeps nginx and haproxy). Without it the test
// is skipped, or fails under CI=true.
func Path(t testing.TB, program string) string {
	t.Helper()
	path, err := Find(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%v (run `make test-deps`)", err)
	}
	t.Skipf("%v (run `make test-deps`)", err)
	return ""
}

// Find is Path for programs that are not tests.
func Find(program string) (string, error) {
	if root, err := moduleRoot(); err == nil {
		path := filepath.Join(root, ".bin", program)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if path := filepath.Join("/usr/sbin", program); isFile(path) {
		return path, nil
	}
	return "", fmt.Errorf("%s is not installed", program)
}

// Loopback returns an address of 127/8 on which no other test listens, so that
// programs with many ports can keep their usual ones.
func Loopback(t testing.TB) string {
	t.Helper()
	for range 100 {
		ip := fmt.Sprintf("127.%d.%d.%d", 1+rand.IntN(254), rand.IntN(255), 1+rand.IntN(254))
		l, err := net.Listen("tcp", net.JoinHostPort(ip, "8500"))
		if err != nil {
			continue
		}
		l.Close()
		return ip
	}
	t.Fatal("no free loopback address found")
	return ""
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if isFile(filepath.Join(dir, "go.mod")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
}

package middleware

import (
	"fmt"
	"io"
	"os"
)

// maxFile bounds the files that specs name, in bytes.
const maxFile = 16 << 20

// readFile reads a file that a spec names. Who writes tags may name any: devices
// and pipes, which have no end or never begin, are refused.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return content, err
}

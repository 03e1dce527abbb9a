//go:build unix

package lb

import "syscall"

// What descriptors are for besides connections of clients and upstreams, and the
// most that are counted with.
const (
	otherFiles = 200
	mostFiles  = 2<<20 + otherFiles
)

// maxFiles is how many descriptors the process may have for connections.
func maxFiles() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostFiles - otherFiles
	}
	return max(0, int(min(files.Cur, mostFiles))-otherFiles)
}

// defaultMaxConns leaves two descriptors for each connection, which may need
// another one to its upstream, and a quarter of all for maxSplices.
func defaultMaxConns() int {
	const least = 50
	return max(least, maxFiles()*3/8)
}

// maxSplices is how many directions of connections can be copied by the kernel,
// with what descriptors are left: that takes a pipe, which is two of them.
func maxSplices(maxConns int) int { return max(0, (maxFiles()-2*maxConns)/2) }

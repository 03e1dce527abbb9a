//go:build !unix

package lb

// defaultMaxConns: there are no file descriptors to count by.
func defaultMaxConns() int { return 10_000 }

// maxSplices: the kernel copies nothing.
func maxSplices(int) int { return 0 }

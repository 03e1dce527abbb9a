//go:build unix

package lb

import "syscall"

// defaultMaxConns is half of the file descriptors the process may have, for each
// exchange may need another one for its upstream, less some for everything else.
func defaultMaxConns() int {
	const others, least, most = 200, 50, 1 << 20
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return most
	}
	half := (int64(min(files.Cur, 2*most+others)) - others) / 2
	return int(max(least, half))
}

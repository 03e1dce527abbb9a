package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// mostConnections samples how many connections to remote the process holds,
// and returns the most it saw before ctx ended.
func mostConnections(ctx context.Context, pid int, remote netip.AddrPort, every time.Duration) (int, error) {
	most := 0
	for sleep(ctx, every) == nil {
		n, err := connections(pid, remote)
		if err != nil {
			return most, err
		}
		most = max(most, n)
	}
	return most, nil
}

// connections counts the established connections to remote that the process
// holds.
func connections(pid int, remote netip.AddrPort) (int, error) {
	own, err := sockets(pid)
	if err != nil {
		return 0, err
	}
	count := 0
	for _, file := range []string{"net/tcp", "net/tcp6"} {
		f, err := os.Open(procFile(pid, file))
		if os.IsNotExist(err) {
			continue // a kernel without IPv6
		}
		if err != nil {
			return 0, err
		}
		inodes, err := parseEstablished(f, remote)
		f.Close()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", f.Name(), err)
		}
		for _, inode := range inodes {
			if own[inode] {
				count++
			}
		}
	}
	return count, nil
}

// sockets returns the inodes of the sockets the process has open.
func sockets(pid int) (map[string]bool, error) {
	dir := procFile(pid, "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	inodes := map[string]bool{}
	for _, entry := range entries {
		// A descriptor may be closed by now; then it is none to count.
		target, _ := os.Readlink(filepath.Join(dir, entry.Name()))
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes, nil
}

// parseEstablished reads /proc/net/tcp or tcp6 and returns the inodes of the
// established connections to remote; see proc_net_tcp in the kernel's
// documentation for the columns.
func parseEstablished(r io.Reader, remote netip.AddrPort) ([]string, error) {
	const established = "01"
	var inodes []string
	lines := bufio.NewScanner(r)
	lines.Scan() // the headings
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			return nil, fmt.Errorf("a line with %d columns: %q", len(fields), lines.Text())
		}
		if fields[3] != established {
			continue
		}
		addr, err := parseHexAddr(fields[2])
		if err != nil {
			return nil, err
		}
		if addr == remote {
			inodes = append(inodes, fields[9])
		}
	}
	return inodes, lines.Err()
}

// parseHexAddr reads ADDRESS:PORT as the kernel prints it: the address as hex
// words of 32 bits in the machine's byte order, the port as a hex number.
func parseHexAddr(text string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", text, err)
	}
	for i := 0; i+4 <= len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	ip, ok := netip.AddrFromSlice(raw)
	n, err := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil {
		return netip.AddrPort{}, fmt.Errorf("not an address and port in hex: %q", text)
	}
	return netip.AddrPortFrom(ip.Unmap(), uint16(n)), nil
}

// connectionsBySS counts the same with ss(8) of iproute2, as a second opinion.
// Where that is not installed the error is exec.ErrNotFound.
func connectionsBySS(ctx context.Context, pid int, remote netip.AddrPort) (int, error) {
	out, err := exec.CommandContext(ctx, "ss", "-Htnp", "state", "established", "dst", remote.String()).Output()
	if err != nil {
		return 0, fmt.Errorf("running ss: %w", err)
	}
	return strings.Count(string(out), fmt.Sprintf(",pid=%d,", pid)), nil
}

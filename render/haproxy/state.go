package haproxy

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// running is a server as HAProxy has it.
type running struct {
	// at is invalid if the server has no IP address.
	at     netip.AddrPort
	weight int
	admin  int // bits, see below
}

// Bits of srv_admin_state that take a server out of traffic: by command, with a
// server it tracks, for lack of a name's address. The one for "disabled" in the
// configuration is only a record of that.
const maintenance = 0x01 | 0x02 | 0x20 | 0x40

func (r running) inMaintenance() bool { return r.admin&maintenance != 0 }

// stateColumns are those of "show servers state" that are read.
var stateColumns = []string{"be_name", "srv_name", "srv_addr", "srv_port", "srv_uweight", "srv_admin_state"}

// parseState reads the answer to "show servers state". See "show servers
// state" in HAProxy's management guide, version 1 of the format.
func parseState(text string) (map[key]running, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) < 2 || lines[0] != "1" || !strings.HasPrefix(lines[1], "# ") {
		return nil, fmt.Errorf("not a list of servers: %.200q", text)
	}
	index := map[string]int{}
	for i, name := range strings.Fields(lines[1][2:]) {
		index[name] = i
	}
	for _, name := range stateColumns {
		if _, ok := index[name]; !ok {
			return nil, fmt.Errorf("the list of servers has no column %s", name)
		}
	}
	servers := map[key]running{}
	for _, line := range lines[2:] {
		fields := strings.Fields(line)
		if len(fields) < len(index) {
			return nil, fmt.Errorf("a server with %d of %d columns: %.200q", len(fields), len(index), line)
		}
		var r running
		ip, ipErr := netip.ParseAddr(fields[index["srv_addr"]])
		port, portErr := strconv.ParseUint(fields[index["srv_port"]], 10, 16)
		if ipErr == nil && portErr == nil {
			r.at = netip.AddrPortFrom(ip, uint16(port))
		}
		var err error
		if r.weight, err = strconv.Atoi(fields[index["srv_uweight"]]); err != nil {
			return nil, fmt.Errorf("reading a server's weight: %w", err)
		}
		if r.admin, err = strconv.Atoi(fields[index["srv_admin_state"]]); err != nil {
			return nil, fmt.Errorf("reading a server's state: %w", err)
		}
		servers[key{fields[index["be_name"]], fields[index["srv_name"]]}] = r
	}
	return servers, nil
}

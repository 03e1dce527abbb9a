package lb

import (
	"cmp"
	"context"
	"net"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/lb/listener"
	"github.com/sluiceproxy/sluice/lb/tcp"
)

// dynamicServer also opens and closes the ports that routes ask for.
type dynamicServer struct {
	*tcpServer
	server *Server
}

// portsRefresh is how often it looks for them if nothing is said.
const portsRefresh = time.Second

// Serve implements [connServer].
func (d *dynamicServer) Serve(l net.Listener) error {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ports := l.(*gate).Listener.(*tcp.Ports) //nolint:errcheck,forcetypeassert // as listen made it
	wg.Go(func() { d.follow(ctx, ports) })
	defer wg.Wait()
	defer cancel()
	return d.tcpServer.Serve(l)
}

// follow keeps the ports up with the table.
func (d *dynamicServer) follow(ctx context.Context, ports *tcp.Ports) {
	tick := time.NewTicker(cmp.Or(d.entry.listener.Refresh, portsRefresh))
	defer tick.Stop()
	open := map[uint16]bool{}
	for {
		if table := d.server.table.Load(); table != nil {
			for port, err := range ports.Set(d.wanted(table)) {
				d.entry.notice("a port that routes ask for cannot be opened", "port", port, "err", err)
			}
			now := ports.Open()
			d.tell("port opened", now, open)
			d.tell("port closed", open, now)
			open = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// wanted are the ports that routes ask for, but for those of listeners that serve
// them already.
func (d *dynamicServer) wanted(table *Table) map[uint16]bool {
	wanted := table.dynamicPorts(d.entry.listener.Entrypoint())
	for _, e := range d.server.entries {
		if e.listener.Proto == listener.ProtoTCP {
			delete(wanted, addrPort(e.address).Port())
		}
	}
	return wanted
}

// tell logs the ports that are in one set and not in another.
func (d *dynamicServer) tell(message string, in, notIn map[uint16]bool) {
	for port := range in {
		if !notIn[port] {
			d.entry.log.Info(message, "listener", d.entry.label, "port", port)
		}
	}
}

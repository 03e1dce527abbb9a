package tcp

import (
	"net/netip"
	"sync"
)

// ConnLimit bounds the connections of each client. The zero value lets nobody
// in.
type ConnLimit struct {
	// Amount is how many connections one address may have.
	Amount int64

	mu   sync.Mutex
	open map[netip.Addr]int64
}

// Enter counts a connection, if the client may have one more.
func (l *ConnLimit) Enter(client netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client] >= l.Amount {
		return false
	}
	if l.open == nil {
		l.open = map[netip.Addr]int64{}
	}
	l.open[client]++
	return true
}

// Leave takes a connection off again.
func (l *ConnLimit) Leave(client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[client]--; l.open[client] <= 0 {
		delete(l.open, client)
	}
}

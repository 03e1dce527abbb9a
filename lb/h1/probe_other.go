//go:build !linux

package h1

import "net"

// probe knows nothing here: a dead connection shows when it is used.
type probe struct{}

func newProbe(net.Conn) *probe { return nil }

func (p *probe) silent() bool { return true }
func (p *probe) gone() bool   { return false }

// Backlog reports whether connections wait to be accepted at a TCP listener. Who
// closes it then resets them. It is not known here.
func Backlog(net.Listener) bool { return false }

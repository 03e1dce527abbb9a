// Package probe asks targets whether they are well: over HTTP, by gRPC's health
// checking protocol, or by what a server of connections says first. It tells their
// pool, which sends nothing to those that are not.
package probe

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/sluiceproxy/sluice/lb/proxyproto"
	"github.com/sluiceproxy/sluice/lb/spec"
	"github.com/sluiceproxy/sluice/lb/target"
)

// check is that of one target for one pool.
type check struct {
	Pool
	target *target.Target
	log    *slog.Logger
}

// run checks the target again and again until ctx ends.
func (c check) run(ctx context.Context) {
	client := c.client()
	defer client.CloseIdleConnections()
	for {
		err := c.ask(ctx, client)
		if ctx.Err() != nil {
			return
		}
		down, changed := c.SetUp(c.target, err == nil)
		if changed {
			c.tell(err)
		}
		pause := c.Health.Interval
		if err != nil || down { // or nearly so
			pause = cmp.Or(c.Health.UnhealthyInterval, pause)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

func (c check) tell(err error) {
	if err == nil {
		c.log.Info("a target is well again", "target", c.target.Key().String(), "pool", c.Name())
		return
	}
	c.log.Warn("a target fails its health check and gets no requests", "target", c.target.Key().String(), "pool", c.Name(), "err", err)
}

// ask asks once. The error says why the target is not well.
func (c check) ask(ctx context.Context, client *http.Client) error {
	switch c.Health.Mode {
	case spec.ModeGRPC:
		return c.askGRPC(ctx, client)
	case spec.ModeTCP:
		return c.askTCP(ctx)
	}
	return c.askHTTP(ctx, client)
}

// address is where the target is asked: it may be another port.
func (c check) address() (string, error) {
	if c.target.Key().IsSocket() {
		return c.target.Key().Host(), nil // dial knows better
	}
	host, port, err := net.SplitHostPort(c.target.Key().Address)
	if err != nil {
		return "", err
	}
	if c.Health.Port != 0 {
		port = strconv.Itoa(c.Health.Port)
	}
	return net.JoinHostPort(host, port), nil
}

func (c check) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if c.target.Key().IsSocket() {
		network, address = c.target.Key().Place()
	}
	nc, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil || c.Proxy == 0 {
		return nc, err
	}
	nobody := netip.AddrPort{} // a check is no client's
	if err := proxyproto.WriteHeader(nc, c.Proxy, nobody, nobody); err != nil {
		nc.Close()
		return nil, err
	}
	return nc, nil
}

package main

import (
	"context"
	"fmt"
	"net"
	"time"
)

// notifyReady tells systemd, if it wants to know, as soon as routes and files
// are there.
func (d *daemon) notifyReady(ctx context.Context) error {
	socket := d.getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !d.ready().Ready {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
	if err := sdNotify(socket, "READY=1"); err != nil {
		d.log.Warn("telling systemd that all is ready", "err", err)
	}
	return nil
}

// sdNotify sends a message in the protocol of sd_notify(3).
func sdNotify(socket, message string) error {
	if socket[0] == '@' { // an abstract socket
		socket = "\x00" + socket[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("NOTIFY_SOCKET: %w", err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte(message))
	return err
}

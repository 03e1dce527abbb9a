package lb

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// probeTCP connects, says what the check has to say and looks whether the answer
// begins with what is expected. Without either, that the target accepts is enough.
func (c check) probeTCP(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.spec.Timeout)
	defer cancel()
	host, port, err := net.SplitHostPort(c.target.Key().Address)
	if err != nil {
		return err
	}
	if c.spec.Port != 0 {
		port = strconv.Itoa(c.spec.Port)
	}
	nc, err := c.dial(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return err
	}
	defer nc.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = nc.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if c.target.Key().Scheme == "tls" {
		nc = tls.Client(nc, c.target.Key().TLS())
	}
	if _, err := io.WriteString(nc, c.spec.Send); err != nil {
		return err
	}
	answer := make([]byte, len(c.spec.Expect))
	n, err := io.ReadFull(nc, answer)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && string(answer) != c.spec.Expect {
		return fmt.Errorf("the answer begins with %q, not %q", answer[:n], c.spec.Expect)
	}
	return err
}

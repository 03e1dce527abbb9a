package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"time"
)

// askTCP connects, says what the check has to say and looks whether the answer
// begins with what is expected. Without either, that the target accepts is enough.
func (c check) askTCP(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Health.Timeout)
	defer cancel()
	address, err := c.address()
	if err != nil {
		return err
	}
	nc, err := c.dial(ctx, "tcp", address)
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
	if _, err := io.WriteString(nc, c.Health.Send); err != nil {
		return err
	}
	answer := make([]byte, len(c.Health.Expect))
	n, err := io.ReadFull(nc, answer)
	if errors.Is(err, io.ErrUnexpectedEOF) || err == nil && string(answer) != c.Health.Expect {
		return fmt.Errorf("the answer begins with %q, not %q", answer[:n], c.Health.Expect)
	}
	return err
}

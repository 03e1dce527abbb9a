package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

const (
	// patience is for one command. HAProxy answers within milliseconds.
	patience = 5 * time.Second
	// maxAnswer is the most that is read of an answer, in bytes.
	maxAnswer = 64 << 20
)

// ask sends one command and returns the answer without the blanks around it.
func (r *Runtime) ask(ctx context.Context, command string) (answer string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", r.socket)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	text, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("%s: %w", command, err)
	}
	return strings.TrimSpace(string(text)), nil
}

// tell sends a command whose answer must contain want or, if that is empty, be
// empty.
func (r *Runtime) tell(ctx context.Context, want, format string, args ...any) error {
	command := fmt.Sprintf(format, args...)
	answer, err := r.ask(ctx, command)
	if err == nil && (want == "" && answer != "" || !strings.Contains(answer, want)) {
		err = fmt.Errorf("%s: HAProxy answers %q", command, answer)
	}
	return err
}

func (r *Runtime) state(ctx context.Context) (map[key]running, error) {
	answer, err := r.ask(ctx, "show servers state")
	if err != nil {
		return nil, err
	}
	return parseState(answer)
}

// Package unixsock listens on sockets that are files.
package unixsock

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// Options say who may connect: connecting takes the right to write.
type Options struct {
	// Mode is the file's; 0 is 0660, for its owner and group.
	Mode fs.FileMode
	// Owner is "USER", "USER:GROUP" or ":GROUP", by names or numbers; what is empty
	// is the process's own.
	Owner string
}

const defaultMode fs.FileMode = 0o660

// Listener is a socket that is a file.
type Listener struct {
	*net.UnixListener
	path string
	file fs.FileInfo
}

// Listen opens a socket at a path. One that a process left behind which is gone
// makes room; whatever is alive, or no socket, stays, and is an error.
func Listen(path string, o Options) (*Listener, error) {
	uid, gid, err := owner(o.Owner)
	if err != nil {
		return nil, err
	}
	if err := removeDead(path); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // see Close
	mode := o.Mode
	if mode == 0 {
		mode = defaultMode
	}
	// The owner first: until the mode is set, the file is not for more than it may be
	// for under the usual umask.
	if uid >= 0 || gid >= 0 {
		err = os.Chown(path, uid, gid)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	file, statErr := os.Lstat(path)
	if err = errors.Join(err, statErr); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	return &Listener{l, path, file}, nil
}

// Close implements [net.Listener]. It removes the file, unless another process
// has put its own there meanwhile.
func (l *Listener) Close() error {
	if now, err := os.Lstat(l.path); err == nil && os.SameFile(now, l.file) {
		if err := os.Remove(l.path); err != nil {
			return errors.Join(err, l.UnixListener.Close())
		}
	}
	return l.UnixListener.Close()
}

func removeDead(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("%s is in the way: it is not a socket", path)
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("%s is in use by another process", path)
	case !errors.Is(err, syscall.ECONNREFUSED): // as one whose queue is full
		return fmt.Errorf("%s may be in use by another process: %w", path, err)
	}
	return os.Remove(path)
}

// owner reads Options.Owner; -1 leaves it as it is.
func owner(text string) (uid, gid int, err error) {
	name, group, _ := strings.Cut(text, ":")
	uid, gid = -1, -1
	if name != "" {
		if uid, err = number(name, func() (string, error) {
			u, err := user.Lookup(name)
			if err != nil {
				return "", err
			}
			return u.Uid, nil
		}); err != nil {
			return 0, 0, err
		}
	}
	if group != "" {
		gid, err = number(group, func() (string, error) {
			g, err := user.LookupGroup(group)
			if err != nil {
				return "", err
			}
			return g.Gid, nil
		})
	}
	return uid, gid, err
}

func number(text string, lookup func() (string, error)) (int, error) {
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return int(n), nil
	}
	id, err := lookup()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(id)
}

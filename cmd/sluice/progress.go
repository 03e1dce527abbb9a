package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// progress shows a person who waits for -once how far it is: one line on a
// terminal, rewritten each second from the second on, and removed at the end.
func (w *work) progress(ctx context.Context, out io.Writer) error {
	terminal, ok := out.(*os.File)
	if !ok || !isTerminal(terminal) {
		return nil
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	shown := false
	defer func() {
		if shown {
			fmt.Fprint(terminal, "\r\x1b[K")
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.complete:
			return nil
		case <-ticker.C:
		}
		known, all := 0, 0
		for _, q := range w.feed.watcher.Status().Queries {
			all++
			if q.Known {
				known++
			}
		}
		fmt.Fprintf(terminal, "\r\x1b[Kwaiting for data: %d of %d answers are here", known, all)
		shown = true
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

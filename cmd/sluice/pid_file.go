package main

import (
	"fmt"
	"os"
	"strconv"
)

// movePIDFile makes path the file that holds the process ID; empty is none.
func (d *daemon) movePIDFile(path string) error {
	if path == d.pidFile {
		return nil
	}
	if path != "" {
		if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o666); err != nil {
			return fmt.Errorf("writing the pid file: %w", err)
		}
	}
	d.removePIDFile()
	d.pidFile = path
	return nil
}

func (d *daemon) removePIDFile() {
	if d.pidFile != "" {
		os.Remove(d.pidFile)
	}
}

package accesslog

import (
	"fmt"
	"io"
	"os"
	"time"
)

// The targets that are no files.
const (
	Stdout = "stdout"
	Stderr = "stderr"
)

// output is where lines go. It belongs to the goroutine that writes.
type output struct {
	io.Writer
	path    string   // empty if it is no file
	file    *os.File // the Writer
	checked time.Time
	torn    bool // the last line is not whole
}

func openOutput(o Options) (*output, error) {
	switch o.Target {
	case Stdout:
		return &output{Writer: o.Stdout}, nil
	case Stderr:
		return &output{Writer: o.Stderr}, nil
	case "":
		return nil, fmt.Errorf("no target is given: %s, %s or the path of a file", Stdout, Stderr)
	}
	out := &output{path: o.Target}
	return out, out.open()
}

// open opens the file, and leaves the old one as it is if that fails.
func (o *output) open() error {
	file, err := os.OpenFile(o.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	o.close()
	o.file, o.Writer, o.torn, o.checked = file, file, false, time.Now()
	return nil
}

func (o *output) close() {
	if o.file != nil {
		_ = o.file.Close() // what was written is with the system
	}
}

// renew opens the file again if that is asked for, or if another one, or none,
// has the path by now: something has rotated the log. It looks once a second.
func (o *output) renew(asked bool) error {
	const pause = time.Second
	if o.path == "" || !asked && time.Since(o.checked) < pause {
		return nil
	}
	o.checked = time.Now()
	if !asked && o.isCurrent() {
		return nil
	}
	return o.open()
}

func (o *output) isCurrent() bool {
	named, err := os.Stat(o.path)
	if err != nil {
		return false
	}
	open, err := o.file.Stat()
	return err == nil && os.SameFile(named, open)
}

// write writes lines. It returns how many bytes of them have got there.
func (o *output) write(lines []byte) (n int, err error) {
	if o.torn {
		// What follows half a line would be lost with it.
		if _, err := o.Write([]byte{'\n'}); err != nil {
			return 0, err
		}
		o.torn = false
	}
	if n, err = o.Write(lines); err != nil {
		o.torn = n > 0 && lines[n-1] != '\n'
	}
	return n, err
}

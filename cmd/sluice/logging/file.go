package logging

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sluiceproxy/sluice/config"
)

// rotatedFile is a log file that a new one takes the place of when it has become
// too large or too old. Each has the time of its beginning in its name:
// NAME-UNIXNANO.EXT.
type rotatedFile struct {
	settings    config.LogFile
	prefix, ext string

	mu    sync.Mutex
	file  *os.File
	size  int
	began time.Time
}

// openRotatedFile begins the first file. A path that ends in / is a folder in
// which the files are named after the program.
func openRotatedFile(settings config.LogFile, program string) (*rotatedFile, error) {
	path := settings.Path
	if strings.HasSuffix(path, "/") {
		path += program
	}
	ext := filepath.Ext(path)
	f := &rotatedFile{settings: settings, prefix: strings.TrimSuffix(path, ext) + "-", ext: cmp.Or(ext, ".log")}
	return f, f.begin()
}

// Write implements io.Writer. A line is never cut in two.
func (f *rotatedFile) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.isFull(len(line)) {
		if err := f.rotate(); err != nil {
			return 0, err
		}
	}
	n, err := f.file.Write(line)
	f.size += n
	return n, err
}

// Close ends the file.
func (f *rotatedFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.file.Close()
}

func (f *rotatedFile) isFull(more int) bool {
	tooLarge := f.settings.RotateBytes > 0 && f.size > 0 && f.size+more > f.settings.RotateBytes
	tooOld := f.settings.RotateDuration > 0 && time.Since(f.began) >= f.settings.RotateDuration
	return tooLarge || tooOld
}

// rotate goes on with the old file, for as long again, if there cannot be a new
// one.
func (f *rotatedFile) rotate() error {
	old := f.file
	if f.begin() == nil {
		return old.Close()
	}
	f.file, f.began = old, time.Now()
	return nil
}

func (f *rotatedFile) begin() error {
	f.began = time.Now()
	file, err := os.OpenFile(f.prefix+strconv.FormatInt(f.began.UnixNano(), 10)+f.ext, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	f.file, f.size = file, 0
	f.prune()
	return nil
}

// prune removes the oldest files that are not to be kept. What cannot be removed
// now may be so the next time.
func (f *rotatedFile) prune() {
	keep := f.settings.RotateMaxFiles
	if keep == 0 {
		return
	}
	older := f.older()
	for _, path := range older[:max(0, len(older)-max(keep, 0))] {
		os.Remove(path)
	}
}

// older are the files before the current one, oldest first.
func (f *rotatedFile) older() []string {
	entries, _ := os.ReadDir(filepath.Dir(f.prefix)) // what could be read of it
	began := map[string]int64{}
	var older []string
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(f.prefix), entry.Name())
		digits, ok := strings.CutPrefix(strings.TrimSuffix(entry.Name(), f.ext), filepath.Base(f.prefix))
		nanos, err := strconv.ParseInt(digits, 10, 64)
		if ok && err == nil && strings.HasSuffix(entry.Name(), f.ext) && path != filepath.Clean(f.file.Name()) {
			began[path] = nanos
			older = append(older, path)
		}
	}
	slices.SortFunc(older, func(a, b string) int { return cmp.Compare(began[a], began[b]) })
	return older
}

package main

import (
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/sluiceproxy/sluice/config"
)

// filesSettle is how long files must be left alone before they are read:
// editors and deployments write in several steps.
const filesSettle = 200 * time.Millisecond

// follow signals when the content of a file has changed since it was digested. It
// works until ctx ends.
func (s fileSet) follow(ctx context.Context, before [sha256.Size]byte, log *slog.Logger) <-chan struct{} {
	if len(s) == 0 {
		return nil
	}
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		log.Error("watching files", "err", err)
		return nil
	}
	for _, folder := range s.folders() {
		if err := watcher.Add(folder); err != nil {
			log.Warn("watching files", "folder", folder, "err", err)
		}
	}
	changed := make(chan struct{})
	go func() {
		defer watcher.Close()
		// Before the first event: what changed since the files were read.
		for more := true; more; more = awaitQuiet(ctx, watcher) {
			now := s.digest()
			if now == before {
				continue // something else in the same folder
			}
			before = now
			select {
			case changed <- struct{}{}:
			case <-ctx.Done():
			}
		}
	}()
	return changed
}

// awaitQuiet waits for an event and then until there are no more. It reports
// false when ctx ends.
func awaitQuiet(ctx context.Context, watcher *fsnotify.Watcher) bool {
	var quiet <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return false
		case <-watcher.Events:
			quiet = time.After(filesSettle)
		case _ = <-watcher.Errors: // some events were lost: look
			quiet = time.After(filesSettle)
		case <-quiet:
			return true
		}
	}
}

// fileSet is the files and folders a configuration was read from.
type fileSet []string

func filesOf(c config.Config) fileSet { return c.Watched() }

// folders are those in which something happens when a file changes or is
// replaced.
func (s fileSet) folders() []string {
	var folders []string
	for _, path := range s {
		folders = append(folders, filepath.Dir(path))
		_ = filepath.WalkDir(path, func(below string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				folders = append(folders, below)
			}
			return nil
		})
	}
	return folders
}

// digest stands for the contents of all files.
func (s fileSet) digest() [sha256.Size]byte {
	h := sha256.New()
	for _, path := range s {
		files, err := config.FilesAt(path)
		if err != nil {
			_, _ = io.WriteString(h, err.Error())
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				content = []byte(err.Error())
			}
			sum := sha256.Sum256(content)
			_, _ = io.WriteString(h, file+"\x00")
			_, _ = h.Write(sum[:])
		}
	}
	return [sha256.Size]byte(h.Sum(nil))
}

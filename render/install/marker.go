package install

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// marker is the file that says: the destination was, or was about to be,
// replaced, and the command has not succeeded since. What counts is that it is
// there; what it holds is for people.
func (f File) marker() string { return f.beside(".sluice-unapplied") }

func (f File) mark(content []byte) error {
	text := fmt.Sprintf("sha256:%x %s\n", sha256.Sum256(content), time.Now().UTC().Format(time.RFC3339))
	if err := writeSynced(f.marker(), text); err != nil {
		return fmt.Errorf("marking %s as not applied: %w", f.Path, err)
	}
	return syncDir(filepath.Dir(f.Path))
}

func (f File) isMarked() (bool, error) {
	_, err := os.Lstat(f.marker())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("finding out whether %s was applied: %w", f.Path, err)
	}
	return true, nil
}

func writeSynced(path, text string) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}

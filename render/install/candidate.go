package install

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	candidateInfix  = ".sluice-"
	candidateSuffix = ".tmp"
)

// writeCandidate writes content to a new file beside the destination, synced,
// with the mode and owner the destination is to have. These are set before
// there is any content to read.
func (f File) writeCandidate(content []byte) (path string, ownerLost bool, err error) {
	path = f.beside(candidateInfix + rand.Text() + candidateSuffix)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", false, err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			os.Remove(file.Name())
		}
	}()
	if ownerLost, err = f.dress(file); err != nil {
		return "", false, err
	}
	if _, err := file.Write(content); err != nil {
		return "", false, err
	}
	return path, ownerLost, file.Sync()
}

// dress gives file the owner and mode asked for, or else those of the existing
// destination. An owner that nobody asked for may be lost.
func (f File) dress(file *os.File) (ownerLost bool, err error) {
	mode := f.Perms
	like, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if mode == 0 {
			mode = 0o644
		}
		like, err = file.Stat()
	case err == nil && mode == 0:
		mode = like.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	}
	if err != nil {
		return false, err
	}
	want, err := f.owner(like)
	if err != nil {
		return false, err
	}
	if err := give(file, want); err != nil {
		asked := f.User != "" || f.Group != ""
		if asked || !errors.Is(err, fs.ErrPermission) {
			return false, err
		}
		ownerLost = true
	}
	return ownerLost, file.Chmod(mode)
}

// RemoveLeftovers removes candidates that a killed run left beside the
// destination. It must not be called while another Install may be running.
func (f File) RemoveLeftovers() error {
	dir := filepath.Dir(f.Path)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for leftovers of an earlier run: %w", err)
	}
	prefix := filepath.Base(f.beside(candidateInfix))
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, candidateSuffix) {
			continue
		}
		if removeErr := os.Remove(filepath.Join(dir, name)); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, fmt.Errorf("removing the leftover of an earlier run: %w", removeErr))
		}
	}
	return err
}

// beside is the hidden name .NAMEsuffix in the destination's folder.
func (f File) beside(suffix string) string {
	return filepath.Join(filepath.Dir(f.Path), "."+filepath.Base(f.Path)+suffix)
}

// syncDir makes what was renamed or created in dir survive a crash of the
// machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("syncing the folder: %w", err)
	}
	defer d.Close()
	// Some file systems cannot; then there is nothing more we can do.
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return fmt.Errorf("syncing the folder: %w", err)
	}
	return nil
}

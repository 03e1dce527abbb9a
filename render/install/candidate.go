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
func (f File) writeCandidate(content []byte) (path string, err error) {
	path = f.beside(candidateInfix + rand.Text() + candidateSuffix)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			os.Remove(path)
		}
	}()
	if err := f.dress(file); err != nil {
		return "", err
	}
	if _, err := file.Write(content); err != nil {
		return "", err
	}
	return path, file.Sync()
}

// dress gives file the owner of the existing destination, and the mode asked
// for or else that of the destination.
func (f File) dress(file *os.File) error {
	mode := f.Perms
	old, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if mode == 0 {
			mode = 0o644
		}
	case err != nil:
		return err
	default:
		if mode == 0 {
			mode = old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
		}
		if err := keepOwner(file, old); err != nil {
			return err
		}
	}
	return file.Chmod(mode)
}

// keepOwner is strict: a config that its program can no longer read is worse
// than an old one.
func keepOwner(file *os.File, old fs.FileInfo) error {
	fresh, err := file.Stat()
	if err != nil {
		return err
	}
	want, have := old.Sys().(*syscall.Stat_t), fresh.Sys().(*syscall.Stat_t)
	if want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
		return fmt.Errorf("keeping its owner: %w", err)
	}
	return nil
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

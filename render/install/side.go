package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// SideFile is a file that a template writes besides its own.
type SideFile struct {
	Path        string
	User, Group string // name or number; empty keeps that of the existing file
	Perms       fs.FileMode
	Append      bool
}

// Write writes content to the file, or to its end, and makes missing parents.
// Because templates compute the path, a symbolic link there or in place of its
// folder is refused.
func (f SideFile) Write(ctx context.Context, content []byte) error {
	for _, path := range []string{filepath.Dir(f.Path), f.Path} {
		if err := refuseLink(path); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	if f.Append {
		return f.append(content)
	}
	file := f.file()
	if _, err := file.Install(ctx, nil, content); err != nil {
		return err
	}
	if err := os.Chmod(f.Path, f.Perms); err != nil { // if it had that content
		return fmt.Errorf("writing %s: %w", f.Path, err)
	}
	return nil
}

func (f SideFile) file() File {
	return File{Path: f.Path, Perms: f.Perms, User: f.User, Group: f.Group, CreateDirs: true}
}

func (f SideFile) append(content []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("appending to %s: %w", f.Path, err)
		}
	}()
	if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	want, err := f.file().owner(info)
	if err != nil {
		return err
	}
	if err := give(file, want); err != nil {
		return err
	}
	if err := file.Chmod(f.Perms); err != nil {
		return err
	}
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.Sync()
}

func refuseLink(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link", path)
	}
	return nil
}

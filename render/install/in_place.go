package install

import (
	"errors"
	"io/fs"
	"os"
)

// overwrite writes into the existing file, and reports whether there is one.
func (f File) overwrite(content []byte) (overwritten bool, err error) {
	file, err := os.OpenFile(f.Path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := f.dress(file); err != nil {
		return false, err
	}
	if _, err := file.WriteAt(content, 0); err != nil {
		return false, err
	}
	if err := file.Truncate(int64(len(content))); err != nil {
		return false, err
	}
	return true, file.Sync()
}

package install

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// backup keeps the file that is to be replaced, so that neither it nor the
// older backup is ever absent.
func (f File) backup() error {
	copied := f.beside(candidateInfix + rand.Text() + candidateSuffix)
	keep := os.Link
	if f.InPlace {
		keep = copyFile // a link would change with the file
	}
	err := keep(f.Path, copied)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first version has nothing before it
	}
	if err == nil {
		err = os.Rename(copied, f.Path+".bak")
		os.Remove(copied) // still there if both were links to one file already
	}
	if err != nil {
		return fmt.Errorf("backing up %s: %w", f.Path, err)
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

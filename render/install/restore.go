package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Content is what the file holds, nil if there is none.
func (f File) Content() ([]byte, error) {
	content, err := os.ReadFile(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the destination: %w", err)
	}
	return append([]byte{}, content...), nil
}

// Restore puts an earlier content back in place. What was there is kept as
// Path.rejected.
func (f File) Restore(ctx context.Context, run *Runner, content []byte) error {
	bad, err := f.Content()
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.rejected(), bad, 0o600); err != nil {
		return fmt.Errorf("keeping the file that is rolled back: %w", err)
	}
	f.Check, f.Backup = nil, false // it was good before; and the backup is that of an older one
	_, err = f.replace(ctx, run, content)
	return err
}

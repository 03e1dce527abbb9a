package funcs

import (
	"errors"
	"fmt"
	"path/filepath"
)

// withinSandbox is an error unless path, its links followed, lies in the folder
// sandbox, whose links are followed too.
func withinSandbox(sandbox, path string) error {
	root, err := filepath.EvalSymlinks(sandbox)
	if err != nil {
		return fmt.Errorf("looking at the sandbox: %w", err)
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if root, err = filepath.Abs(root); err != nil {
		return err
	}
	if target, err = filepath.Abs(target); err != nil {
		return err
	}
	relative, err := filepath.Rel(root, target)
	if err != nil || !filepath.IsLocal(relative) {
		return errors.New("it is outside the sandbox " + sandbox)
	}
	return nil
}

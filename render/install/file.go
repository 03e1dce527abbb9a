package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// File says where bytes go and by which rules.
type File struct {
	// Path is the destination. A symbolic link there is replaced by a plain
	// file with the mode of what it led to, unless InPlace is set.
	Path string
	// InPlace writes into the existing file, as bind mounts of single files
	// want it, and follows links. A crash meanwhile leaves it torn.
	InPlace bool
	// Perms is the mode; 0 keeps that of the existing file, else 0644.
	Perms fs.FileMode
	// User and Group are the owner, by name or number; empty keeps that of the
	// existing file.
	User, Group string
	// CreateDirs makes missing parents, with 0755 less umask.
	CreateDirs bool
	// Backup keeps the file that is replaced as Path.bak.
	Backup bool
	// Check, if set, has to accept the candidate before it replaces the file.
	Check        Command
	CheckTimeout time.Duration
	// CheckEnv is the whole environment of Check; nil means the Runner's.
	CheckEnv []string
	// Applies is set when a command must follow for the bytes to take effect.
	Applies bool
}

// Outcome is what Install did.
type Outcome struct {
	// Written is set when the file was replaced.
	Written bool
	// Owed is set when the command has to be run: the file was replaced now, or
	// the command has not succeeded since it was.
	Owed bool
	// OwnerLost is set when the file was replaced and the system did not allow
	// giving it to the owner of the old one.
	OwnerLost bool
}

// RejectedError is a candidate that the check command refused. The file is as
// it was.
type RejectedError struct {
	Path string
	Kept string // where the candidate can be looked at, empty if it could not be kept
	Err  error  // a [*CommandError] with the checker's words
}

func (e *RejectedError) Error() string {
	text := fmt.Sprintf("checking the new %s, which stays as it was: %v", e.Path, e.Err)
	if e.Kept != "" {
		text += " (the rejected file is " + e.Kept + ")"
	}
	return text
}

func (e *RejectedError) Unwrap() error { return e.Err }

// Install makes content the content of the file, unless it is already. At
// every instant the file has either the old or the new content, whole; that
// holds for a crash of the program and of the machine. On error the file is as
// it was.
func (f File) Install(ctx context.Context, run *Runner, content []byte) (Outcome, error) {
	same, err := f.Same(content)
	if err != nil {
		return Outcome{}, err
	}
	if same {
		f.removeRejected()
		return f.unchanged()
	}
	ownerLost, err := f.replace(ctx, run, content)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Written: true, Owed: f.Applies, OwnerLost: ownerLost}, nil
}

// Same reports whether the file has that content and the owner asked for. A
// missing file has no content, not even an empty one.
func (f File) Same(content []byte) (bool, error) {
	info, err := os.Stat(f.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("comparing with the destination: %w", err)
	case info.IsDir():
		return false, fmt.Errorf("the destination %s is a directory", f.Path)
	case info.Size() != int64(len(content)):
		return false, nil
	}
	owner, err := f.owner(info)
	if err != nil {
		return false, err
	}
	if owner != ownerOf(info) {
		return false, nil
	}
	old, err := os.ReadFile(f.Path)
	if err != nil {
		return false, fmt.Errorf("comparing with the destination: %w", err)
	}
	return bytes.Equal(old, content), nil
}

// Applied records that the command has succeeded for the file as it is.
func (f File) Applied() error {
	if err := os.Remove(f.marker()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("recording that %s was applied: %w", f.Path, err)
	}
	return nil
}

func (f File) unchanged() (Outcome, error) {
	if !f.Applies {
		return Outcome{}, f.Applied() // the command was taken out of the settings
	}
	owed, err := f.isMarked()
	return Outcome{Owed: owed}, err
}

func (f File) replace(ctx context.Context, run *Runner, content []byte) (ownerLost bool, err error) {
	if f.CreateDirs {
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return false, fmt.Errorf("creating the folder of %s: %w", f.Path, err)
		}
	}
	candidate, ownerLost, err := f.writeCandidate(content)
	if err != nil {
		return false, fmt.Errorf("writing beside %s: %w", f.Path, err)
	}
	if err := f.check(ctx, run, candidate); err != nil {
		return false, err
	}
	if err := f.commit(candidate, content); err != nil {
		os.Remove(candidate)
		return false, err
	}
	f.removeRejected()
	return ownerLost, nil
}

// check asks the check command about the candidate, which is gone from its
// place when it was refused.
func (f File) check(ctx context.Context, run *Runner, candidate string) error {
	if !f.Check.Set() {
		return nil
	}
	call := Call{Command: f.Check.forCandidate(candidate), Timeout: f.CheckTimeout, Env: f.CheckEnv}
	err := run.Run(ctx, call, CandidateVariable+"="+candidate)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		os.Remove(candidate)
		return err // we were told to stop: that says nothing about the candidate
	}
	return &RejectedError{Path: f.Path, Kept: f.keepRejected(candidate), Err: err}
}

// keepRejected moves the candidate to where people can find it.
func (f File) keepRejected(candidate string) string {
	// Only the owner may read it: nobody asked for the file to be there.
	if os.Chmod(candidate, 0o600) != nil || os.Rename(candidate, f.rejected()) != nil {
		os.Remove(candidate)
		return ""
	}
	return f.rejected()
}

// commit puts the checked candidate in place.
func (f File) commit(candidate string, content []byte) error {
	if f.Applies {
		// Before the rename: a crash between the two must not lose the command.
		if err := f.mark(content); err != nil {
			return err
		}
	}
	if f.Backup {
		if err := f.backup(); err != nil {
			return err
		}
	}
	if f.InPlace {
		overwritten, err := f.overwrite(content)
		if err != nil {
			return fmt.Errorf("writing into %s: %w", f.Path, err)
		}
		if overwritten {
			return os.Remove(candidate)
		}
	}
	if err := os.Rename(candidate, f.Path); err != nil {
		return fmt.Errorf("replacing %s: %w", f.Path, err)
	}
	return syncDir(filepath.Dir(f.Path))
}

func (f File) rejected() string { return f.Path + ".rejected" }

// removeRejected removes what keepRejected kept: it is out of date. Without a
// check command a file of that name is somebody else's.
func (f File) removeRejected() {
	if f.Check.Set() {
		os.Remove(f.rejected())
	}
}

package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/exit"
)

// Sources are what a configuration is put together from.
type Sources struct {
	Version string // of the program
	// Peers is what the program was told as another one, in whose place it runs.
	Peers []PeerSettings
	// Files are paths of files and folders of them.
	Files []string
	// Settings are those of flags.
	Settings []func(*Config) error
	// Listeners are those of flags, which together take the place of all others.
	Listeners []Listener
}

// PeerSettings are settings in the words of another load balancer.
type PeerSettings interface {
	// Flag is a flag of the other's own. It is not ok if it is none.
	Flag(name string) (f PeerFlag, ok bool)
	// Load puts them into a configuration.
	Load(c *Config, getenv func(string) string) error
}

// PeerFlag is a flag of another load balancer.
type PeerFlag struct {
	Value string // placeholder for the value; empty for a boolean
	Bare  string // the value if none is given, empty if one has to be
	// Set takes the value for Load to count.
	Set func(value string) error
}

// localConfig is a variable that holds a configuration.
const localConfig = "CT_LOCAL_CONFIG"

// Load puts a configuration together, the strongest last: defaults, environment
// variables, what Fabio or Traefik was told, files in order, CT_LOCAL_CONFIG, flags. The
// error joins all faults; beside it the Config holds what could be read. Its status is
// [exit.Config], or [exit.Flags] if only CT_LOCAL_CONFIG is at fault, or [exit.Runner] if
// only templates are.
func Load(from Sources, getenv func(string) string) (Config, error) {
	c := DefaultConfig()
	c.version, c.files = from.Version, from.Files
	var inPeers error
	for _, peer := range from.Peers {
		inPeers = errors.Join(inPeers, peer.Load(&c, getenv))
	}
	inFiles := errors.Join(inPeers, c.loadFiles(from.Files))
	inLocal := c.LoadText(localConfig, []byte(getenv(localConfig)))
	for _, set := range from.Settings {
		if err := set(&c); err != nil {
			return c, exit.With(exit.Flags, err) // was accepted before: cannot be
		}
	}
	if len(from.Listeners) > 0 {
		c.LB.Listeners = slices.Clone(from.Listeners)
	}
	// The environment only fills what is still open, hence comes last here.
	inEnv := c.fillLogLevel(getenv)
	inRegistry := c.Fabio.ReadRegistry()
	c.Settle()
	inSettings, inTemplates := c.ValidateSettings(), c.validateTemplates()

	err := errors.Join(inFiles, inLocal, inEnv, inRegistry, inSettings, inTemplates)
	switch {
	case err == nil:
		return c, nil
	case errors.Join(inFiles, inEnv, inRegistry, inSettings) != nil:
		return c, exit.With(exit.Config, err)
	case inLocal != nil:
		return c, exit.With(exit.Flags, err)
	}
	return c, exit.With(exit.Runner, err)
}

// loadFiles decodes files and folders into c, later ones on top of earlier
// ones, and joins the faults of all of them.
func (c *Config) loadFiles(paths []string) error {
	var errs []error
	for _, path := range paths {
		files, err := FilesAt(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				errs = append(errs, fmt.Errorf("reading the configuration: %w", err))
				continue
			}
			errs = append(errs, c.LoadText(file, src))
		}
	}
	return errors.Join(errs...)
}

// LoadText decodes one configuration text into c.
func (c *Config) LoadText(name string, src []byte) error {
	o, err := hcl.Parse(name, src)
	if err != nil {
		return err
	}
	return hcl.Decode(o, c)
}

// FilesAt is path itself or, if it is a folder, every regular file below
// it in lexical order, whatever its name. Links to files are followed.
func FilesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || file == path { // path itself may be a link
			return nil
		}
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		if info.IsDir() {
			return fmt.Errorf("%s is a link to a folder, which is not followed: name the folder with a -config of its own", file)
		}
		if info.Mode().IsRegular() {
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the configuration folder %s: %w", path, err)
	}
	return files, nil
}

// Watched are those that are to be followed: of Traefik's file provider, and all if
// that is asked for.
func (c Config) Watched() []string {
	files := slices.Clone(c.Followed)
	if !c.WatchFiles {
		return files
	}
	files = append(files, c.files...)
	for _, t := range c.Templates {
		if t.Source != "" && t.Source != standardStream && !strings.HasPrefix(t.Source, "@") {
			files = append(files, t.Source)
		}
	}
	return files
}

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// loadFiles decodes files and folders into c, later ones on top of earlier
// ones, and joins the faults of all of them.
func (c *Config) loadFiles(paths []string) error {
	var errs []error
	for _, path := range paths {
		files, err := configFiles(path)
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
			errs = append(errs, c.loadText(file, src))
		}
	}
	return errors.Join(errs...)
}

// loadText decodes one configuration text into c.
func (c *Config) loadText(name string, src []byte) error {
	o, err := parseConfig(name, src)
	if err != nil {
		return err
	}
	return decodeConfig(o, c)
}

// configFiles is path itself or, if it is a folder, every regular file below
// it in lexical order, whatever its name. Links to files are followed.
func configFiles(path string) ([]string, error) {
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

package main

import (
	"path/filepath"

	"github.com/sluiceproxy/sluice/config"
)

const (
	ourName = config.Program
	// otherName is what a link to sluice may be called, for scripts and unit files
	// that know the program by it.
	otherName = "consul-template"
	// consulTemplateVersion is the version whose place it takes.
	consulTemplateVersion = "0.42.1"
)

// programName is the name to go by.
func programName(path string) string {
	if filepath.Base(path) == otherName {
		return otherName
	}
	return ourName
}

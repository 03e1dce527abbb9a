// Package templates holds config templates to start from. Each renders a
// configuration that the program's own check accepts. Their name after an @ is
// their name as the source of a template.
//
// They share one convention: every service with a passing instance becomes an
// upstream, and one whose instances have the metadata expose = "/path/" is
// served under that path. Nothing is exposed unasked.
//
// Names, addresses and metadata come from whoever may register a service, so
// they are data and never config: what is not plainly a name, an IP address or
// a path is left out.
package templates

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.ctmpl
var files embed.FS

const extension = ".ctmpl"

// Names lists the templates, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // cannot be: the root of an embedded tree is always there
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), extension))
	}
	slices.Sort(names)
	return names
}

// Get returns the text of the template with that name.
func Get(name string) ([]byte, error) {
	text, err := files.ReadFile(name + extension)
	if err != nil {
		return nil, fmt.Errorf("there is no template @%s; there are @%s", name, strings.Join(Names(), ", @"))
	}
	return text, nil
}

package main

import (
	"fmt"
	"strings"

	"github.com/sluiceproxy/sluice/watch/file"
)

// problems lists what could not be honoured: tags, and files of the embedded
// catalog.
func (d *daemon) problems() []problemView {
	views := []problemView{}
	if d.lb != nil && d.lb.Table() != nil {
		views = append(views, tagProblems(d.lb.Table().Problems())...)
	}
	return append(views, fileProblems(d.currentFeed().sources.catalog)...)
}

// fileProblems lists the faults of the embedded catalog; nil has none.
func fileProblems(catalog *file.Catalog) []problemView {
	var views []problemView
	if catalog == nil {
		return nil
	}
	for _, f := range catalog.Faults() {
		views = append(views, problemView{Origin: "file", Offset: -1, File: f.Path, Line: f.Line, Reason: f.Err.Error()})
	}
	return views
}

// String is a problem in a few lines: where, what, and how to mend it. A tag
// is followed by a pointer to the place of the fault.
func (p problemView) String() string {
	var b strings.Builder
	switch {
	case p.Origin == "file" && p.Line > 0:
		fmt.Fprintf(&b, "%s:%d: %s", p.File, p.Line, p.Reason)
	case p.Origin == "file":
		fmt.Fprintf(&b, "%s: %s", p.File, p.Reason)
	default:
		if p.Origin == "key" {
			b.WriteString(p.File)
		} else {
			fmt.Fprintf(&b, "service %s", p.Service)
		}
		if p.Instance != "" {
			fmt.Fprintf(&b, ", instance %s on %s", p.Instance, p.Node)
		}
		fmt.Fprintf(&b, ": %s", p.Reason)
		if p.Tag != "" {
			fmt.Fprintf(&b, "\n  %s", p.Tag)
		}
		if p.Tag != "" && p.Offset >= 0 && p.Offset <= len(p.Tag) {
			fmt.Fprintf(&b, "\n  %*s", p.Offset+1, "^")
		}
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\n  hint: %s", p.Hint)
	}
	return b.String()
}

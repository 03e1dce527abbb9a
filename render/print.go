package render

import (
	"bytes"
	"fmt"

	"github.com/rogpeppe/go-internal/diff"
)

// print is what dry mode does in place of writing, and all there is to do for
// standard output.
func (r *Renderer) print(t *task) (written bool) {
	t.pending, t.installed = false, true
	t.status.State, t.status.Err, t.status.Generation = Rendered, nil, t.generation
	out, err := r.printed(t)
	if err == nil && len(out) > 0 {
		_, err = r.options.Stdout.Write(out)
	}
	if err != nil {
		t.status.Err = fmt.Errorf("printing: %w", err)
		r.report(t, "printing a file failed", err)
		return false
	}
	if r.options.Dry {
		return false
	}
	t.owed = t.template.Command.Set()
	if !t.owed {
		t.status.State = Applied
	}
	return true
}

// printed is what there is to print: nothing if the file holds it already.
func (r *Renderer) printed(t *task) ([]byte, error) {
	to := t.template.Destination
	if to == stream {
		r.differs.Store(true)
		return t.text, nil
	}
	if to != "" {
		same, err := t.template.file().Same(t.text)
		if err != nil || same {
			return nil, err
		}
	}
	r.differs.Store(true)
	if !r.options.Diff || to == "" {
		return append(fmt.Appendf(nil, "> %s\n", to), t.text...), nil
	}
	old, err := t.template.file().Content()
	if err != nil {
		return nil, err
	}
	return t.difference(old), nil
}

// difference is a unified diff from old to the task's text. The line that
// names the command is one that patch skips.
func (t *task) difference(old []byte) []byte {
	to := t.template.Destination
	out := diff.Diff(to, old, to+" (new)", t.text)
	if _, rest, ok := bytes.Cut(out, []byte("\n")); ok && bytes.HasPrefix(out, []byte("diff ")) {
		out = rest // the line "diff OLD NEW", of which nobody knows more than the next two tell
	}
	if t.template.Command.Set() {
		out = append(out, "# then: "+t.template.Command.String()+"\n"...)
	}
	return out
}

package config

import (
	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/haproxy"
)

// Reload is a program that takes some changes of its file while it runs, so
// that the template's command is for the others only.
type Reload struct {
	Origin string
	// Kind is the label of the stanza; see reloadKinds.
	Kind string
	// Socket is the path of HAProxy's runtime socket, of level admin.
	Socket string `hcl:"socket"`
}

// reloadKinds are the programs that can be told.
var reloadKinds = []string{"haproxy"}

// SetDefaults implements [hcl.Defaulted].
func (r *Reload) SetDefaults(at hcl.Position) { *r = Reload{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (r *Reload) SetLabel(label string) { r.Kind = label }

// runtime is what package render is to ask before it runs the command.
func (t Template) runtime() render.Runtime {
	if len(t.Reload) == 0 {
		return nil
	}
	return haproxy.New(t.Reload[0].Socket)
}

// validateReload finds stanzas that cannot work.
func (t Template) validateReload(at string, f *faultList) {
	if len(t.Reload) > 1 {
		f.addf("%s: more than one reload stanza", at)
	}
	for _, r := range t.Reload {
		at := r.Origin
		f.oneOf(at+": reload", r.Kind, reloadKinds...)
		if r.Socket == "" {
			f.addf("%s: reload %q needs the path of a socket", at, r.Kind)
		}
		if len(t.Exec.Command) == 0 {
			f.addf("%s: reload %q needs a command besides, for what cannot change at run time", at, r.Kind)
		}
	}
}

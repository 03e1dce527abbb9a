package config

import (
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/config/hcl"
	"github.com/sluiceproxy/sluice/internal/nearest"
)

// Group is templates with one command, which runs once when all of them are
// rendered.
type Group struct {
	Origin string
	// Name is the label of the stanza.
	Name string
	// Templates are the destinations of its members.
	Templates []string                `hcl:"templates"`
	Command   Command                 `hcl:"command"`
	Timeout   Optional[time.Duration] `hcl:"timeout"`
	Splay     time.Duration           `hcl:"splay"`
	Lock      Lock                    `hcl:"lock"`
}

// SetDefaults implements [hcl.Defaulted].
func (g *Group) SetDefaults(at hcl.Position) { *g = Group{Origin: at.String()} }

// SetLabel implements [hcl.Labelled].
func (g *Group) SetLabel(label string) { g.Name = label }

// joinGroups hands the command of each group to its members.
func (c *Config) joinGroups() {
	for _, g := range c.Groups {
		for i := range c.Templates {
			t := &c.Templates[i]
			if t.commandGroup == "" && slices.Contains(g.Templates, t.Destination) && !t.hasOwn() {
				t.commandGroup = g.Name
				t.Exec.Command, t.Exec.Splay, t.Lock = g.Command, g.Splay, g.Lock
				if g.Timeout.Set {
					t.Exec.Timeout = g.Timeout
				}
			}
		}
	}
}

// hasOwn reports whether the template has what is the group's to say.
func (t *Template) hasOwn() bool {
	return len(t.Command) > 0 || len(t.Exec.Command) > 0 || t.Lock != (Lock{})
}

// validateGroups finds members that are not templates, or have a command of
// their own or another group's.
func (c *Config) validateGroups(f *faultList) {
	for _, g := range c.Groups {
		at := g.Origin + ": group " + g.Name
		if len(g.Command) == 0 {
			f.addf("%s: there is no command", at)
		}
		g.Lock.validate(at+": lock", f)
		for _, member := range g.Templates {
			i := slices.IndexFunc(c.Templates, func(t Template) bool { return t.Destination == member })
			switch {
			case i < 0:
				f.addf("%s: no template has the destination %q%s", at, member, nearest.Hint(member, "", destinations(c.Templates)))
			case c.Templates[i].commandGroup == "":
				f.addf("%s: the template of %s has a command or a lock of its own", at, member)
			case c.Templates[i].commandGroup != g.Name:
				f.addf("%s: the template of %s is in the group %s already", at, member, c.Templates[i].commandGroup)
			}
		}
	}
}

func destinations(templates []Template) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, t := range templates {
			if !yield(t.Destination) {
				return
			}
		}
	}
}

package config

import (
	"io/fs"
	"syscall"

	"github.com/sluiceproxy/sluice/render"
	"github.com/sluiceproxy/sluice/render/install"
)

// RenderTemplate is the template as package render takes it.
func (t Template) RenderTemplate(own Environment) render.Template {
	return render.Template{
		Source:            t.Source,
		Contents:          t.Contents,
		Destination:       t.Destination,
		Command:           install.Command(t.Exec.Command),
		CommandTimeout:    t.Exec.Timeout.Value,
		CommandDetached:   t.Exec.Timeout.Value == 0,
		CommandEnv:        t.Exec.Env.Environment(own),
		KillSignal:        syscall.Signal(t.Exec.KillSignal.Value),
		KillAfter:         t.Exec.KillTimeout.Value,
		Splay:             t.Exec.Splay,
		Lock:              t.Lock.renderLock(),
		Runtime:           t.runtime(),
		CommandRetries:    t.CommandRetries,
		OnCommandError:    render.CommandPolicy(t.OnCommandError),
		CommandGroup:      t.commandGroup,
		Check:             install.Command(t.Check.Command),
		CheckTimeout:      t.Check.Timeout,
		MinBytes:          t.MinBytes,
		MinInstances:      t.MinInstances,
		MaxShrink:         int(t.MaxShrink),
		ErrorFatal:        t.ErrorFatal.Value,
		InPlace:           t.Write == "inplace",
		Perms:             fs.FileMode(t.Perms),
		User:              string(t.User),
		Group:             string(t.Group),
		Backup:            t.Backup,
		CreateDestDirs:    t.CreateDestDirs,
		Wait:              render.Wait{Min: t.Wait.Value.Min, Max: t.Wait.Value.Max},
		LeftDelimiter:     t.LeftDelimiter,
		RightDelimiter:    t.RightDelimiter,
		ErrorOnMissingKey: t.ErrorOnMissingKey,
		FunctionDenylist:  t.FunctionDenylist,
		SandboxPath:       t.SandboxPath,
	}
}

package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// runCommands runs the commands owed, equal ones once, at the place of the
// first template that has it. That of a group waits until the group is settled.
func (r *Renderer) runCommands(ctx context.Context) {
	defer r.permits.endPass(ctx)
	now := time.Now()
	for _, t := range r.tasks {
		t.locked = false
	}
	for i, t := range r.tasks {
		t.blocked = t.owed && !r.settled(t.template.CommandGroup)
		if !t.owed || t.blocked || t.locked || !t.retry.ready(now) {
			continue
		}
		sharing := []*task{t}
		for _, other := range r.tasks[i+1:] {
			if other.owed && other.template.sharesCommand(t.template) {
				sharing = append(sharing, other)
			}
		}
		r.apply(ctx, sharing)
		if ctx.Err() != nil {
			return
		}
	}
}

// settled reports whether no template of the group has anything left to write.
func (r *Renderer) settled(group string) bool {
	return group == "" || !slices.ContainsFunc(r.tasks, func(t *task) bool {
		return t.template.CommandGroup == group && !t.settled()
	})
}

func (t *task) settled() bool {
	switch t.status.State {
	case Rendered, Applied, ReloadFailed, RolledBack:
		return !t.pending
	}
	return false
}

// apply runs the one command of some templates, if its lock is had.
func (r *Renderer) apply(ctx context.Context, sharing []*task) {
	if r.applyAtRunTime(ctx, sharing) {
		for _, t := range sharing {
			r.applied(t, nil)
		}
		return
	}
	held := r.locked(ctx, sharing)
	if held == nil {
		return
	}
	err := r.runCommand(held, sharing[0].template)
	if err != nil && ctx.Err() != nil {
		return // told to stop: the marker makes the next process run it
	}
	for _, t := range sharing {
		t.status.Commands++
		if err != nil {
			t.status.CommandFailures++
		}
	}
	switch {
	case err == nil || held.Err() == nil && !slices.ContainsFunc(sharing, (*task).rollsBack):
		for _, t := range sharing {
			r.applied(t, err)
		}
	case held.Err() == nil:
		r.rollBack(held, sharing, err)
	}
	if lost := context.Cause(held); err != nil && lost != nil && ctx.Err() == nil {
		for _, t := range sharing {
			r.lostLock(t, lost)
		}
	}
}

// locked returns the context for a command of some templates, which ends when
// its lock is lost; nil if it must not run now.
func (r *Renderer) locked(ctx context.Context, sharing []*task) context.Context {
	first := sharing[0].template
	held, err := r.permits.ask(ctx, first.Lock, func(why string) {
		r.options.Logger.Warn("a command waits for its lock", "command", first.Command.String(),
			"template", first.Name(), "destination", first.Destination, "lock", first.Lock.Key, "reason", why)
	})
	for _, t := range sharing {
		if err != nil {
			r.applied(t, err)
		}
		t.locked = held == nil
	}
	return held
}

// lostLock makes a command run again that has lost its lock. Its own fault it
// was not.
func (r *Renderer) lostLock(t *task, cause error) {
	t.retry.failed(time.Now(), r.options.Retry)
	t.setUnlessWorse(ReloadFailed, cause)
	r.report(t, "a command was ended", cause)
}

// applyAtRunTime reports whether the running program took the changes of all
// files, so that there is no need for the command.
func (r *Renderer) applyAtRunTime(ctx context.Context, sharing []*task) bool {
	for _, t := range sharing {
		if t.template.Runtime == nil || t.previous == nil {
			return false
		}
		now, err := t.template.file().Content()
		if err == nil {
			err = t.template.Runtime.Apply(ctx, t.previous, now)
		}
		if err != nil {
			r.options.Logger.Info("the command is needed", "template", t.template.Name(), "destination", t.template.Destination, "reason", err)
			return false
		}
		r.options.Logger.Info("changed at run time, no command needed", "template", t.template.Name(), "destination", t.template.Destination)
	}
	return true
}

func (r *Renderer) runCommand(ctx context.Context, t Template) error {
	r.options.Logger.Info("running command", "command", t.Command.String(), "template", t.Name(), "destination", t.Destination)
	return r.runner.Run(ctx, t.call(), "SLUICE_TEMPLATE="+t.Name(), "SLUICE_DESTINATION="+t.Destination)
}

// applied notes how the task's command ended.
func (r *Renderer) applied(t *task, failure error) {
	now := time.Now()
	if failure == nil && t.template.Destination != stream {
		failure = t.template.file().Applied()
	}
	if failure != nil {
		t.attempts++
		t.retry.failed(now, r.options.Retry)
		t.setUnlessWorse(ReloadFailed, failure)
		r.report(t, "a command failed", failure)
		return
	}
	t.owed, t.attempts, t.previous = false, 0, nil
	t.retry.reset()
	t.reported = ""
	t.status.Confirmed = now
	t.setUnlessWorse(Applied, nil)
}

// setUnlessWorse changes the state if it is about the command; whatever keeps a
// newer text from its file is more important.
func (t *task) setUnlessWorse(state State, err error) {
	switch t.status.State {
	case Rendered, ReloadFailed:
		t.status.State, t.status.Err = state, err
	}
}

// rollsBack reports whether another failure of the command is answered with the
// previous file.
func (t *task) rollsBack() bool {
	return t.template.OnCommandError == CommandRollback && t.previous != nil && t.attempts >= t.template.CommandRetries
}

// rollBack puts the files back for which the command had succeeded before, and
// runs it for those. The new texts are not tried again until they change.
func (r *Renderer) rollBack(ctx context.Context, sharing []*task, cause error) {
	for _, t := range sharing {
		r.report(t, "a command failed; the previous file is put back", cause)
		if t.previous == nil || t.template.OnCommandError != CommandRollback {
			continue
		}
		if err := t.template.file().Restore(ctx, r.runner, t.previous); err != nil {
			r.applied(t, errors.Join(cause, fmt.Errorf("putting the previous file back: %w", err)))
			return
		}
		t.previous = nil
	}
	err := r.runCommand(ctx, sharing[0].template)
	if err != nil && ctx.Err() != nil {
		return
	}
	for _, t := range sharing {
		if err != nil {
			r.applied(t, fmt.Errorf("%w; and for the previous file, which was put back: %w", cause, err))
			continue
		}
		r.applied(t, nil)
		t.status.State, t.status.Err = RolledBack, cause
	}
}

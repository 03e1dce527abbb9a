package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

// pass brings every template as far as it gets with the data there is: all are
// executed, then all files that are due are written, then the commands run.
func (r *Renderer) pass(ctx context.Context, wants *watch.Wants) {
	snapshot := r.watcher.Snapshot()
	now := time.Now()
	if r.executeAll(ctx, snapshot, now) {
		wants.Set(r.used()...)
	}
	r.warnMissing(snapshot, now)
	r.publish()
	for _, t := range r.tasks {
		if t.due(now) && ctx.Err() == nil {
			r.install(ctx, t)
		}
	}
	r.publish()
	r.runCommands(ctx)
	r.publish()
}

// executeAll executes what the snapshot has news for. It reports whether the
// set of used queries may have changed.
func (r *Renderer) executeAll(ctx context.Context, snapshot *watch.Snapshot, now time.Time) (usesOthers bool) {
	inputs := funcs.Inputs{
		Snapshot: snapshot,
		Env:      r.options.Env,
		Now:      now,
		Debug:    r.options.Stdout,
		Run: func(program string, args []string) (string, error) {
			return install.Output(ctx, program, args)
		},
	}
	for _, t := range r.tasks {
		if r.options.Once && t.executed && t.final() {
			continue // rendered is rendered: later data does not matter
		}
		if !t.outdated(snapshot) {
			t.current(snapshot.Generation())
			continue
		}
		usesOthers = t.execute(inputs, now) || usesOthers
		if t.status.State == Broken {
			r.report(t, "executing a template failed", t.status.Err)
		}
	}
	return usesOthers
}

// used is what all templates together use, each query once.
func (r *Renderer) used() []watch.Query {
	var all []watch.Query
	have := make(map[watch.Query]bool)
	for _, t := range r.tasks {
		for _, q := range t.used {
			if !have[q] {
				have[q] = true
				all = append(all, q)
			}
		}
	}
	return all
}

func (r *Renderer) warnMissing(snapshot *watch.Snapshot, now time.Time) {
	for _, t := range r.tasks {
		for _, q := range t.status.Missing {
			if t.absence.overdue(q, now, r.options.MissingAfter) {
				e, _ := snapshot.Entry(q)
				r.options.Logger.Warn("a template waits for data",
					"template", t.template.Name(), "query", q.String(), "reason", reason(e))
			}
		}
	}
}

// install takes the task's text to its file.
func (r *Renderer) install(ctx context.Context, t *task) {
	t.quiet.stop()
	if r.options.Dry {
		r.print(t)
		return
	}
	var outcome install.Outcome
	err := t.writeSideFiles(ctx)
	if err == nil {
		outcome, err = t.template.file().Install(ctx, r.runner, t.text)
	}
	var rejected *install.RejectedError
	switch {
	case errors.As(err, &rejected):
		t.pending = false // the same text would be rejected again
		t.status.State, t.status.Err = Rejected, err
		r.report(t, "a new file was rejected", err)
	case err != nil && ctx.Err() != nil:
		// We are told to stop; nothing is known to be wrong.
	case err != nil:
		t.retry.failed(time.Now(), r.options.Retry)
		t.status.State, t.status.Err = WriteFailed, err
		r.report(t, "writing a file failed", err)
	default:
		r.installed(t, outcome)
	}
}

func (r *Renderer) installed(t *task, outcome install.Outcome) {
	now := time.Now()
	t.pending, t.installed, t.owed = false, true, outcome.Owed
	t.retry.reset()
	t.reported = ""
	t.status.State, t.status.Err, t.status.Generation = Rendered, nil, t.generation
	if outcome.Written {
		t.status.Written = now
		r.options.Logger.Info("rendered", "source", t.template.Name(), "destination", t.template.Destination)
	}
	if outcome.OwnerLost {
		r.options.Logger.Warn("a file has lost its owner, whom only root can keep", "destination", t.template.Destination)
	}
	if !t.owed {
		t.status.State, t.status.Confirmed = Applied, now
	}
}

// print is what dry mode does in place of writing.
func (r *Renderer) print(t *task) {
	t.pending, t.installed = false, true
	t.status.State, t.status.Err, t.status.Generation = Rendered, nil, t.generation
	if t.template.Destination != "" {
		same, err := t.template.file().Same(t.text)
		if err != nil {
			t.status.Err = err
			r.report(t, "comparing with a file failed", err)
			return
		}
		if same {
			return
		}
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "> %s\n", t.template.Destination)
	out.Write(t.text)
	if _, err := r.options.Stdout.Write(out.Bytes()); err != nil {
		t.status.Err = fmt.Errorf("printing: %w", err)
		r.report(t, "printing a file failed", err)
	}
}

// runCommands runs the commands owed, equal ones once, at the place of the
// first template that has it.
func (r *Renderer) runCommands(ctx context.Context) {
	now := time.Now()
	for i, t := range r.tasks {
		if !t.owed || !t.retry.ready(now) {
			continue
		}
		group := []*task{t}
		for _, other := range r.tasks[i+1:] {
			if other.owed && other.template.Command.Equal(t.template.Command) {
				group = append(group, other)
			}
		}
		r.apply(ctx, group)
		if ctx.Err() != nil {
			return
		}
	}
}

// apply runs the one command of a group of templates.
func (r *Renderer) apply(ctx context.Context, group []*task) {
	t := group[0].template
	r.options.Logger.Info("running command", "command", t.Command.String(), "template", t.Name())
	err := r.runner.Run(ctx, t.Command, t.CommandTimeout)
	if err != nil && ctx.Err() != nil {
		return // told to stop: the marker makes the next process run it
	}
	for _, task := range group {
		failure := err
		if failure == nil {
			failure = task.template.file().Applied()
		}
		r.applied(task, failure)
	}
}

// applied notes how the task's command ended.
func (r *Renderer) applied(t *task, failure error) {
	now := time.Now()
	if failure != nil {
		t.retry.failed(now, r.options.Retry)
		t.setUnlessWorse(ReloadFailed, failure)
		r.report(t, "a command failed", failure)
		return
	}
	t.owed = false
	t.retry.reset()
	t.reported = ""
	t.status.Confirmed = now
	t.setUnlessWorse(Applied, nil)
}

// setUnlessWorse changes the state if it is about the command; whatever keeps a
// newer text from its file is more important.
func (t *task) setUnlessWorse(state State, err error) {
	if t.status.State == Rendered || t.status.State == ReloadFailed {
		t.status.State, t.status.Err = state, err
	}
}

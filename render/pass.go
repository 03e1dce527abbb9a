package render

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

// pass brings every template as far as it gets with the data there is: all are
// executed, then all files that are due are written, then the commands run.
func (r *Renderer) pass(ctx context.Context, wants *watch.Wants) Progress {
	snapshot := r.watcher.Snapshot()
	now := time.Now()
	if r.executeAll(ctx, snapshot, now) {
		wants.Set(r.wanted()...)
	}
	r.warnMissing(now)
	r.publish()
	progress := Progress{Complete: true}
	for _, t := range r.tasks {
		if t.due(now) && ctx.Err() == nil {
			progress.Written = r.install(ctx, t) || progress.Written
		}
		progress.Complete = progress.Complete && t.installed
	}
	r.publish()
	r.runCommands(ctx)
	r.publish()
	return progress
}

// executeAll executes what the snapshot has news for. It reports whether the
// set of wanted queries may have changed.
func (r *Renderer) executeAll(ctx context.Context, snapshot *watch.Snapshot, now time.Time) (wantsOthers bool) {
	inputs := funcs.Inputs{
		Env:   r.options.Env,
		Now:   now,
		Debug: r.options.Stdout,
		Run: func(program string, args []string) (string, error) {
			return install.Output(ctx, program, args)
		},
	}
	for _, t := range r.tasks {
		if r.options.Once && t.executed && t.final() {
			continue // rendered is rendered: later data does not matter
		}
		news := r.look(t, snapshot)
		if t.outdated(t.view) {
			inputs.Snapshot = t.view
			wantsOthers = r.execute(t, inputs) || wantsOthers
			news = true
		} else {
			t.current(snapshot.Generation())
		}
		if t.share != nil && news {
			r.publishAnswers(t)
			wantsOthers = true
		}
	}
	return wantsOthers
}

// execute executes one template, and reports whether it uses other queries than
// before.
func (r *Renderer) execute(t *task, inputs funcs.Inputs) (usesOthers bool) {
	usesOthers = t.execute(inputs, inputs.Now)
	if r.options.AbsentIsError {
		t.rejectAbsence(t.view)
	}
	if n := len(t.used); n > manyQueries && !t.toldMany {
		t.toldMany = true
		r.options.Logger.Warn("a template asks for very much, which is a burden for everybody who is asked",
			"template", t.template.Name(), "queries", n)
	}
	switch t.status.State {
	case Broken:
		r.report(t, "executing a template failed", t.status.Err)
	case Held:
		r.report(t, "a new text is held back", t.status.Err)
	}
	return usesOthers
}

// manyQueries is consul-template's opinion of what is too much for one template.
const manyQueries = 128

// wanted is what all templates together want, each query once.
func (r *Renderer) wanted() []watch.Query {
	var all []watch.Query
	have := make(map[watch.Query]bool)
	for _, t := range r.tasks {
		for _, q := range t.wants() {
			if !have[q] {
				have[q] = true
				all = append(all, q)
			}
		}
	}
	return all
}

func (r *Renderer) warnMissing(now time.Time) {
	for _, t := range r.tasks {
		for _, q := range t.status.Missing {
			if t.absence.overdue(q, now, r.options.MissingAfter) {
				e, _ := t.view.Entry(q)
				r.options.Logger.Warn("a template waits for data",
					"template", t.template.Name(), "query", q.String(), "reason", reason(e))
			}
		}
	}
}

// install takes the task's text to its file, and reports whether that was
// replaced.
func (r *Renderer) install(ctx context.Context, t *task) (written bool) {
	t.quiet.stop()
	if r.options.Dry || t.template.Destination == stream {
		return r.print(t)
	}
	previous, err := r.previous(t)
	if err == nil {
		err = t.writeSideFiles(ctx)
	}
	var outcome install.Outcome
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
		if outcome.Written {
			t.previous = previous
		}
		r.installed(t, outcome)
	}
	return outcome.Written
}

// previous is what the file holds that is about to be replaced, if that may be
// needed again. As long as a command is owed, the file is not known to be good.
func (r *Renderer) previous(t *task) ([]byte, error) {
	needed := t.template.OnCommandError == CommandRollback || t.template.Runtime != nil
	if !needed || t.owed {
		return t.previous, nil
	}
	return t.template.file().Content()
}

func (r *Renderer) installed(t *task, outcome install.Outcome) {
	now := time.Now()
	t.pending, t.installed, t.owed = false, true, outcome.Owed
	t.retry.reset()
	t.reported = ""
	t.status.State, t.status.Err, t.status.Generation = Rendered, nil, t.generation
	if outcome.Written {
		t.status.Written = now
		t.status.Renders++
		r.options.Logger.Info("rendered", "source", t.template.Name(), "destination", t.template.Destination)
	}
	if outcome.OwnerLost {
		r.options.Logger.Warn("a file has lost its owner, whom only root can keep", "destination", t.template.Destination)
	}
	t.attempts = 0
	if !t.owed {
		t.status.State, t.status.Confirmed = Applied, now
	} else if t.template.Splay > 0 {
		t.retry.next = now.Add(rand.N(t.template.Splay))
	}
}

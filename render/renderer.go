package render

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

// Renderer keeps files as their templates and the watched data say.
type Renderer struct {
	options Options
	watcher *watch.Watcher
	tasks   []*task
	runner  *install.Runner
	permits *permits
	shared  chan struct{} // one slot: posting begins or ceases to fail
	status  atomic.Pointer[[]TemplateStatus]
	differs atomic.Bool
}

// New makes a Renderer over the answers of watcher. It reads and parses the
// templates; one that does not parse is logged, and shown by Status, and holds
// up no other. An error tells of settings that cannot work.
func New(o Options, watcher *watch.Watcher) (*Renderer, error) {
	if err := validateAll(o.Templates, o.Dry); err != nil {
		return nil, err
	}
	r := &Renderer{
		options: o,
		watcher: watcher,
		runner:  &install.Runner{Env: o.CommandEnv, Stdout: o.Stdout, Stderr: o.Stderr},
		permits: newPermits(o.Locker),
		shared:  make(chan struct{}, 1),
	}
	for _, t := range o.Templates {
		if t.Lock.Key != "" && o.Locker == nil {
			return nil, fmt.Errorf("template %s: there is nothing to take the lock %s from", t.Name(), t.Lock.Key)
		}
		task := newTask(t)
		if !o.Once && !o.Dry {
			task.share = newShare(o.Sharing, t, task.program)
		}
		if task.program == nil {
			r.report(task, "the template is broken", task.status.Err)
		}
		r.tasks = append(r.tasks, task)
	}
	r.publish()
	return r, nil
}

// Status tells how each template stands, in their order.
func (r *Renderer) Status() []TemplateStatus { return slices.Clone(*r.status.Load()) }

// Differs reports whether dry mode has found anything that would change.
func (r *Renderer) Differs() bool { return r.differs.Load() }

// Run renders until ctx ends, and then returns nil; or until a template fails
// whose failure is fatal, and returns that. With Options.Once it returns when
// each template is applied or has failed, with the failures; if ctx ends before,
// with its cause.
func (r *Renderer) Run(ctx context.Context) error {
	wants := r.watcher.Register("render")
	defer wants.Close()
	defer r.runner.Close()
	defer r.permits.close()
	ctx, stop := context.WithCancelCause(ctx)
	defer r.startSharing(ctx).Wait()
	defer stop(nil)
	r.removeLeftovers()

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		progress := r.pass(ctx, wants)
		if ctx.Err() == nil {
			if err := r.failures((*task).fatal); err != nil {
				return err
			}
			if r.options.Once && r.final() {
				r.permits.settle()
				return r.failures((*task).failed)
			}
			if r.options.AfterPass != nil {
				r.options.AfterPass(progress)
			}
		}
		timer.Stop()
		if next := r.next(); !next.IsZero() {
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case <-ctx.Done():
			if r.options.Once {
				return fmt.Errorf("rendering once: %w%s", context.Cause(ctx), r.waiting())
			}
			return nil
		case <-wants.Changed():
		case <-r.permits.changed:
		case <-r.shared:
		case <-timer.C:
		}
	}
}

func (r *Renderer) removeLeftovers() {
	if r.options.Dry {
		return
	}
	for _, t := range r.tasks {
		if t.template.Destination == stream {
			continue
		}
		if err := t.template.file().RemoveLeftovers(); err != nil {
			r.options.Logger.Warn("cleaning up", "destination", t.template.Destination, "err", err)
		}
	}
}

// next is when a pass is due without any change of the data; zero if none is.
func (r *Renderer) next() time.Time {
	var next time.Time
	for _, t := range r.tasks {
		next = earliest(next, t.next(r.options.MissingAfter))
	}
	return next
}

// final reports whether nothing is left to do where there are no second
// attempts. What only waits for the others of its group ends with them.
func (r *Renderer) final() bool {
	return !slices.ContainsFunc(r.tasks, func(t *task) bool { return !t.final() && !t.blocked })
}

// failures joins the errors of the tasks for which counts holds.
func (r *Renderer) failures(counts func(*task) bool) error {
	var failures []error
	for _, t := range r.tasks {
		if counts(t) {
			failures = append(failures, fmt.Errorf("template %s: %w", t.template.Name(), t.failure()))
		}
	}
	return errors.Join(failures...)
}

// publish makes the tasks' states visible to Status.
func (r *Renderer) publish() {
	all := make([]TemplateStatus, 0, len(r.tasks))
	for _, t := range r.tasks {
		s := t.status
		if t.pending || t.owed {
			s.Retry = t.retry.next
		}
		all = append(all, s)
	}
	r.status.Store(&all)
}

// report logs an error as such when it is new, else for the curious only.
func (r *Renderer) report(t *task, message string, err error) {
	log := r.options.Logger.Error
	if err.Error() == t.reported {
		log = r.options.Logger.Debug
	}
	t.reported = err.Error()
	log(message, "template", t.template.Name(), "destination", t.template.Destination, "err", err)
}

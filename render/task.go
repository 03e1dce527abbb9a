package render

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/render/install"
	"github.com/sluiceproxy/sluice/watch"
)

// task is one template on its way from data to an applied file. It belongs to
// the goroutine of Run.
type task struct {
	template Template
	program  *Program        // nil if the text does not parse
	share    *share          // nil if it shares no answers
	view     *watch.Snapshot // what it was last looked at with

	// What the last execution used, with the versions it saw.
	used       []watch.Query
	seen       []version
	memory     funcs.Memory
	executed   bool
	generation uint64
	absence    absence
	absent     bool // what it needs does not exist, and that counts as an error

	// text is the newest complete text. It is pending until it was installed or
	// rejected.
	text      []byte
	writes    []funcs.Write // go with text
	written   int           // how many of them were done
	pending   bool
	installed bool // a text was installed before: from now on changes wait
	quiet     quiet
	retry     retry

	// The command's part.
	owed     bool   // it has to run
	blocked  bool   // it waits for others of its group
	locked   bool   // it waits for its lock
	attempts int    // how often it failed since it is owed
	previous []byte // the file the command last succeeded for, nil if there is none or nobody needs it

	toldMany bool // that it uses very many queries

	status   TemplateStatus
	reported string // the error last logged
}

// version of an answer; two equal ones stand for equal answers.
type version struct {
	known  bool
	number uint64
}

func newTask(t Template) *task {
	task := &task{template: t, status: TemplateStatus{
		Source:      t.Name(),
		Destination: t.Destination,
		Command:     t.Command.String(),
		State:       Waiting,
	}}
	task.program, task.status.Err = Parse(t)
	if task.program == nil {
		task.status.State = Broken
	}
	return task
}

// outdated reports whether s answers any of the used queries differently than
// what the last execution saw.
func (t *task) outdated(s *watch.Snapshot) bool {
	if t.program == nil {
		return false
	}
	if !t.executed {
		return true
	}
	for i, q := range t.used {
		if versionOf(s, q) != t.seen[i] {
			return true
		}
	}
	return false
}

func versionOf(s *watch.Snapshot, q watch.Query) version {
	e, _ := s.Entry(q)
	if !e.Known {
		return version{}
	}
	return version{known: true, number: e.Version}
}

// execute runs the template and decides what the result means. It reports
// whether other queries are used than before.
func (t *task) execute(inputs funcs.Inputs, now time.Time) (usesOthers bool) {
	inputs.Memory = &t.memory
	e, err := t.program.Execute(inputs)
	used := e.Used
	if err != nil {
		// It did not get to its end: what it would have used there stays wanted.
		used = union(e.Used, t.used)
	}
	usesOthers = !slices.Equal(used, t.used)
	t.used, t.executed, t.absent = used, true, false
	t.seen = t.seen[:0]
	for _, q := range used {
		t.seen = append(t.seen, versionOf(inputs.Snapshot, q))
	}
	t.absence.note(e.Missing, now)
	t.status.Missing = e.Missing
	switch {
	case len(e.Missing) > 0:
		// An error may well come from the lack of data: no matter yet.
		t.incomplete(Waiting, nil)
	case err != nil:
		t.incomplete(Broken, err)
	default:
		if err := t.template.guard(e, inputs.Snapshot); err != nil {
			t.incomplete(Held, err)
			break
		}
		t.complete(e, inputs.Snapshot.Generation(), now)
	}
	return usesOthers
}

// incomplete means that there is no text for the data there is. The file stays
// as it is, and a command it owes will still run.
func (t *task) incomplete(state State, err error) {
	t.pending, t.text = false, nil
	t.quiet.stop()
	t.status.State, t.status.Err = state, err
}

func (t *task) complete(e Execution, generation uint64, now time.Time) {
	t.generation = generation
	same := t.text != nil && bytes.Equal(e.Text, t.text) && slices.Equal(e.Writes, t.writes)
	if same && !t.quiet.running() {
		if !t.pending && t.status.State != Rejected {
			t.status.Generation = generation
		}
		return
	}
	t.text, t.pending = e.Text, true
	t.writes, t.written = e.Writes, 0
	t.retry.reset()
	if t.installed && t.template.Wait.Min > 0 {
		t.quiet.touch(now, t.template.Wait)
		t.status.State, t.status.Err = Settling, nil
	}
}

// wants are the queries that have to be asked for it.
func (t *task) wants() []watch.Query {
	if t.share == nil {
		return t.used
	}
	return t.share.wants(t.used)
}

// writeSideFiles writes the files the template asked for besides its own. Those
// that were done are not done again when the rest is retried.
func (t *task) writeSideFiles(ctx context.Context) error {
	for _, w := range t.writes[t.written:] {
		f := install.SideFile{Path: w.Path, User: w.User, Group: w.Group, Perms: w.Perms, Append: w.Append}
		if err := f.Write(ctx, []byte(w.Text)); err != nil {
			return fmt.Errorf("writeToFile: %w", err)
		}
		t.written++
	}
	return nil
}

// current notes that the file, being up to date, shows generation as well.
func (t *task) current(generation uint64) {
	if t.text != nil && !t.pending && t.status.State != Rejected {
		t.status.Generation = generation
	}
}

// due reports whether the text is to be installed now.
func (t *task) due(now time.Time) bool {
	if !t.pending || !t.retry.ready(now) {
		return false
	}
	return !t.quiet.running() || t.quiet.due(now)
}

// next is when there will be something to do without any change of the data;
// zero if there will not.
func (t *task) next(missingAfter time.Duration) time.Time {
	next := t.absence.next(missingAfter)
	if t.pending && t.quiet.running() {
		next = earliest(next, t.quiet.until)
	}
	if t.pending || t.owed && !t.blocked && !t.locked {
		next = earliest(next, t.retry.next)
	}
	return next
}

// fatal reports whether the task has failed in a way that ends everything.
func (t *task) fatal() bool {
	switch t.status.State {
	case Broken, WriteFailed:
		return t.template.ErrorFatal || t.absent
	case ReloadFailed:
		return t.template.OnCommandError == CommandExit && t.gaveUp()
	}
	return false
}

// failed reports whether a final task has not come to a good end.
func (t *task) failed() bool {
	if t.status.State == ReloadFailed && t.template.OnCommandError == CommandContinue {
		return false
	}
	return t.status.Err != nil || t.blocked
}

func (t *task) failure() error {
	if t.status.Err == nil && t.blocked {
		return fmt.Errorf("the command of group %q has not run, because not all of its templates are rendered", t.template.CommandGroup)
	}
	return t.status.Err
}

// gaveUp reports whether the command has had all its attempts.
func (t *task) gaveUp() bool { return t.attempts > t.template.CommandRetries }

// final reports whether the task has come to its end where there are no
// second attempts.
func (t *task) final() bool {
	switch t.status.State {
	case Waiting, Settling:
		return false
	case Rendered:
		return !t.owed
	case ReloadFailed:
		return t.gaveUp()
	}
	return true
}

// union is a followed by what b has beyond it.
func union(a, b []watch.Query) []watch.Query {
	have := make(map[watch.Query]bool, len(a))
	for _, q := range a {
		have[q] = true
	}
	all := slices.Clone(a)
	for _, q := range b {
		if !have[q] {
			all = append(all, q)
			have[q] = true
		}
	}
	return all
}

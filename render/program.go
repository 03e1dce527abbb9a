package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strings"
	"text/template"
	"time"

	"github.com/sluiceproxy/sluice/render/funcs"
	"github.com/sluiceproxy/sluice/templates"
	"github.com/sluiceproxy/sluice/watch"
)

// Limits of one execution. A template that exceeds them is in an endless loop
// or might as well be.
const (
	maxOutput  = 64 << 20 // bytes
	maxRuntime = 10 * time.Second
	clockEvery = 64 // writes: a look at the clock costs more than most of them
)

// Program is a parsed template. It is immutable.
type Program struct {
	parsed  *template.Template
	text    string
	denied  template.FuncMap
	sandbox string
	file    string // the destination
}

// Execution is what one run of a Program gave.
type Execution struct {
	// Text is complete when nothing is Missing.
	Text []byte
	// Used are the queries asked, Missing those of them without which Text is
	// not complete.
	Used, Missing []watch.Query
	// Writes are further files that belong to Text.
	Writes []funcs.Write
}

// Parse reads and parses the template's text. Errors tell source:line:column.
func Parse(t Template) (*Program, error) {
	text := t.Contents
	if t.Source != "" {
		content, err := t.read()
		if err != nil {
			return nil, fmt.Errorf("reading the template: %w", err)
		}
		text = string(content)
	}
	missingKey := "missingkey=zero" // "<no value>" for any, "" for text
	if t.ErrorOnMissingKey {
		missingKey = "missingkey=error"
	}
	known := funcs.Helpers()
	maps.Copy(known, funcs.Bind(funcs.Inputs{}).Map())
	known["executeTemplate"] = withoutTemplates
	parsed, err := template.New(t.Name()).
		Delims(t.LeftDelimiter, t.RightDelimiter).
		Option(missingKey).
		Funcs(known).
		Parse(text)
	if err != nil {
		return nil, newSyntaxError(t, text, err)
	}
	return &Program{
		parsed:  parsed,
		text:    text,
		denied:  funcs.Denied(known, t.FunctionDenylist),
		sandbox: t.SandboxPath,
		file:    t.Destination,
	}, nil
}

func (t Template) read() ([]byte, error) {
	if t.Source == stream {
		return io.ReadAll(os.Stdin)
	}
	if name, ok := strings.CutPrefix(t.Source, included); ok {
		return templates.Get(name)
	}
	return os.ReadFile(t.Source)
}

// Execute runs the program. It always tells the queries it has used; with an
// error, those up to the point of failure.
func (p *Program) Execute(inputs funcs.Inputs) (Execution, error) {
	inputs.Sandbox, inputs.Destination = p.sandbox, p.file
	bound := funcs.Bind(inputs)
	out := &limitedBuffer{deadline: time.Now().Add(maxRuntime), waited: bound.Waited}
	err := bound.Redact(p.execute(out, bound.Map()))
	e := Execution{Used: bound.Used(), Missing: bound.Missing()}
	if err != nil {
		return e, err
	}
	e.Writes = bound.Writes()
	e.Text = append([]byte{}, out.Bytes()...) // an empty text is not nil
	return e, nil
}

func (p *Program) execute(out *limitedBuffer, bound template.FuncMap) (err error) {
	// text/template lets runtime errors of its own through as panics.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: panic: %v", p.parsed.Name(), r)
		}
	}()
	t, err := p.parsed.Clone()
	if err != nil {
		return err
	}
	nesting := &nesting{defined: t, out: out}
	bound["executeTemplate"] = nesting.executeTemplate
	err = t.Funcs(bound).Funcs(p.denied).Execute(out, nil)
	if execErr, ok := errors.AsType[template.ExecError](err); ok {
		// "template: FILE:LINE:COLUMN: executing …": the first word says nothing.
		return errors.New(strings.TrimPrefix(execErr.Error(), "template: "))
	}
	return err
}

// limitedBuffer fails writes when a limit is exceeded.
type limitedBuffer struct {
	bytes.Buffer
	writes   int
	deadline time.Time
	waited   func() time.Duration // for programs, which have a limit of their own
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("the text is larger than %d MiB", maxOutput>>20)
	}
	b.writes++
	if b.writes%clockEvery == 1 && time.Now().After(b.deadline.Add(b.waited())) {
		return 0, fmt.Errorf("rendering takes longer than %v", maxRuntime)
	}
	return b.Buffer.Write(p)
}

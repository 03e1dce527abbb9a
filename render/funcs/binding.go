package funcs

import (
	"io"
	"slices"
	"text/template"
	"time"

	"github.com/sluiceproxy/sluice/watch"
)

// Inputs is all that an execution may depend on: equal inputs give equal text.
type Inputs struct {
	Snapshot *watch.Snapshot
	// Env looks up an environment variable. nil is an empty environment.
	Env func(name string) (value string, set bool)
	// Now is the time that "timestamp" tells.
	Now time.Time
	// Sandbox, if not empty, is the folder outside which "file" reads nothing.
	Sandbox string
	// Destination is the template's own file, where "pkiCert" looks first.
	Destination string
	// Run runs a program for "plugin". nil makes it an error.
	Run Runner
	// Memory, if not nil, saves work where answers are those of an execution
	// before. It has no part in the text.
	Memory *Memory
	// Debug takes what spew_dump and spew_printf print; nil takes nothing.
	Debug io.Writer
}

// Binding is the data functions of one execution and the record of the
// queries they used. It is used by one goroutine.
type Binding struct {
	inputs    Inputs
	used      []watch.Query
	missing   map[watch.Query]bool
	scratch   Scratch
	writes    []Write
	concealed []string // values that no error may show
	waited    time.Duration
}

// Bind makes the data functions for one execution.
func Bind(inputs Inputs) *Binding {
	inputs.Memory.begin()
	return &Binding{inputs: inputs, missing: make(map[watch.Query]bool, inputs.Memory.size())}
}

// Used returns the queries asked so far, each once, in the order of their
// first use.
func (b *Binding) Used() []watch.Query { return slices.Clone(b.used) }

// Missing returns the used queries without which the text is not complete.
func (b *Binding) Missing() []watch.Query {
	var missing []watch.Query
	for _, q := range b.used {
		if b.missing[q] {
			missing = append(missing, q)
		}
	}
	return missing
}

// Map returns the data functions under the names templates use.
func (b *Binding) Map() template.FuncMap {
	return template.FuncMap{
		"caLeaf":           b.caLeaf,
		"caRoots":          b.caRoots,
		"connect":          b.connect,
		"datacenters":      b.datacenters,
		"env":              b.env,
		"envOrDefault":     b.envOrDefault,
		"exportedServices": b.exportedServices,
		"file":             b.file,
		"importedServices": b.importedServices,
		"key":              b.key,
		"keyExists":        b.keyExists,
		"keyOrDefault":     b.keyOrDefault,
		"keyOrError":       b.keyOrError,
		"ls":               b.ls,
		"mustEnv":          b.mustEnv,
		"mustKey":          b.mustKey,
		"node":             b.node,
		"nodes":            b.nodes,
		"nomadService":     b.nomadService,
		"nomadServices":    b.nomadServices,
		"nomadVar":         b.nomadVar,
		"nomadVarExists":   b.nomadVarExists,
		"nomadVarList":     b.nomadVarList,
		"nomadVarListSafe": b.nomadVarListSafe,
		"partitions":       b.partitions,
		"peerings":         b.peerings,
		"pkiCert":          b.pkiCert,
		"plugin":           b.plugin,
		"safeLs":           b.safeLs,
		"safeTree":         b.safeTree,
		"scratch":          func() *Scratch { return &b.scratch },
		"secret":           b.secret,
		"secrets":          b.secrets,
		"service":          b.service,
		"serviceByName":    b.serviceByName,
		"services":         b.services,
		"spew_dump":        b.spewDump,
		"spew_printf":      b.spewPrintf,
		"timestamp":        b.timestamp,
		"tree":             b.tree,
		"writeToFile":      b.writeToFile,
	}
}

// recall answers q from the snapshot and records its use.
func recall[A any](b *Binding, q watch.For[A]) (answer A, known bool) {
	answer, known = watch.Get(b.inputs.Snapshot, q)
	b.record(q, !known)
	return answer, known
}

// record notes a use. A query stays missing when any of its uses lacked it:
// "key" needs the key to exist where "keyExists" does not.
func (b *Binding) record(q watch.Query, missing bool) {
	was, seen := b.missing[q]
	if !seen {
		b.used = append(b.used, q)
	}
	if !seen || missing && !was {
		b.missing[q] = missing
	}
}

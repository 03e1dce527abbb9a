// Package render turns what is watched into config files.
//
// A [Template] is parsed into a [Program], and executing that is a pure
// function of a snapshot. The [Renderer] executes all templates in passes: an
// execution tells which queries it used and which of them have no answer yet,
// the used ones are wanted from the watcher, and as answers come in the
// templates concerned are executed again, until nothing is missing. Then the
// text is installed (package install): checked, written atomically, and its
// command run.
//
// Templates do not depend on each other. One that does not parse, that waits
// for data, or whose file is rejected holds up no other.
//
// What does not belong here: how answers are obtained, the functions of the
// template language (package funcs), and how one file is replaced.
package render

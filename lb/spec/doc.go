// Package spec says what middlewares are asked to do, as plain data.
//
// Tags and the configuration file are read into these types, a table's build
// hands them to whoever makes middlewares of them, and tools show them. They
// are values without behaviour but for Validate: comparable with
// [reflect.DeepEqual], and never changed once they are part of a definition.
//
// The tag "key" of a field is the name operators write, in lower case as the
// tag languages compare it. A duration is any of Go's; of two fields that
// exclude each other the comment says which counts. The package imports the
// standard library only.
package spec

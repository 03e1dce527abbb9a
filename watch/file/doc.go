// Package file answers queries from local files: [Catalog] stands in for a
// Consul cluster with a folder of service definitions and a KV tree, and
// [Contents] answers [watch.File].
//
// # The catalog's folder
//
// Every *.json and *.hcl file directly in the folder is read as
// `consul agent -config-dir` would read it: `service`, `services`, `check` and
// `checks`, with the keys of Consul's service definitions in snake_case. The
// CamelCase of Consul's API does as well. Keys that are Consul's but mean nothing here (connect, proxy,
// token, an agent's own settings, …) are accepted and skipped; any other
// unknown key is a [Fault]. All instances live on one node.
//
// Checks are not run. A check has the status it states, and passing where it
// states none; an agent would begin with critical, but here nothing would ever
// change that. The reserved IDs of `consul maint` mean maintenance.
//
// The KV store is the union of the files in the subfolder kv, whose paths are
// the keys and whose contents, less one final newline, are the values; and of
// kv.json, kv.yaml and kv.yml, where nested mappings are folders and scalars
// are values as they are spelled in the file.
//
// Names that begin with a dot or end in "~" belong to editors and are skipped.
//
// # Faults
//
// A file that cannot be read or parsed keeps what it said when it last could,
// and harms no other file. A fault within a service harms no other service: the
// one it is in stays as it was last read, or is left out if it never was; and
// so with a check that stands beside the services. Where two files define the
// same service ID or key, the first by name wins.
//
// While the folder itself cannot be read there are no answers but errors.
package file

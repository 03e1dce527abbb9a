// Package funcs holds the functions templates call, compatible with those of
// consul-template.
//
// There are two kinds. Data functions ("service", "key", …) read a snapshot
// and are bound to one execution, see [Binding]: each call records the query it
// used, and whether the snapshot had no answer to it, in which case the call
// returns a harmless empty value. Helpers ("toLower", "parseJSON", "sprig_trunc",
// …) depend on their arguments alone, see [Helpers].
//
// What does not belong here: when templates are executed, and what becomes of
// the text.
package funcs

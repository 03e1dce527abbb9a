// Package nomad is the [watch.Source] that asks a Nomad agent for services and
// variables. It is the only importer of Nomad's client library.
//
// All its queries block on Nomad's index. Errors wrap [watch.ErrDenied] where
// the token lacks a right, and hold no secret.
package nomad

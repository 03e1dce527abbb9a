// Package vault is the [watch.Source] that reads and writes secrets of Vault. It
// is the only importer of Vault's client library.
//
// Vault cannot block, so every reply is to be polled, at the time when its lease
// wants something: a lease that can be renewed is renewed at two thirds of its
// time and its secret stays the same; all others are read again, or written
// again, shortly before they end. A request before that time is answered from
// memory, so that a secret which is made anew by each request is not.
//
// Errors wrap [watch.ErrDenied] or [watch.ErrNotFound], and hold no secret.
package vault

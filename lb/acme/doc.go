// Package acme has certificates issued by an authority that speaks ACME (RFC
// 8555), for the names it is told, and has them renewed. It is the only importer
// of the library that does so, certmagic.
//
// All who share a [Storage] are one: a certificate is ordered by the first of
// them and used by all, a challenge is answered by whoever the authority happens
// to reach, and after a refusal all leave the authority alone for the same time.
package acme

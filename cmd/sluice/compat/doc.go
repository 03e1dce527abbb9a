// Package compat holds tests only: the same services, registered with one
// Consul, and the same requests, sent to sluice and to the program it stands in
// for. What both answer is written down below testdata, and becomes the tables
// of docs/compatibility.md and of the pages it leads to; see testdata/README.md.
package compat

// Package dns01 answers challenges by DNS (RFC 8555 §8.4): it has a record written
// into the zone of a name, waits until the zone's servers have it, and has it
// removed. It is the only importer of the library that knows the APIs of DNS
// providers, lego, whose names for them and whose environment variables are those
// that users of Traefik have.
package dns01

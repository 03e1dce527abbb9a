// Package h1 is HTTP/1.1 on the wire (RFC 9110, RFC 9112), for a proxy: a
// server's side that takes requests off connections, and a client's side that
// sends them on over pooled connections and brings answers back.
//
// Two rules shape it.
//
// One parse, one meaning. A head is parsed where it was read, as offsets into
// the connection's buffer, and what is sent on is written anew from what was
// parsed: no byte of a head or of chunk framing is copied through. What could
// be read in two ways is refused, not repaired; see [Refusal].
//
// Nothing is allocated for an exchange in the steady state. Strings handed out
// point into buffers that are used again: those of an [Inbound] are valid until
// its handler returns, those of an [Answer] until it is closed. Builds with the
// race detector overwrite buffers when they are given back, so that a string
// kept too long shows in tests.
//
// A connection has one goroutine, and a request body being sent upstream has
// another while it does not fit the first write. Buffers are taken when bytes
// come and given back when none did for about half a second, so that an idle
// connection costs its goroutine and a small struct.
package h1

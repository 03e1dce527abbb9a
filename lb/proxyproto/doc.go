// Package proxyproto reads and writes the header by which a proxy in front of
// TCP tells whose connection it passes on: the PROXY protocol of HAProxy,
// versions 1 and 2.
//
// A header is read off the connection to its last byte and not a byte further,
// so that the connection itself goes on unwrapped: what comes next may be peeked
// at, encrypted, or moved by the kernel. That is what the libraries for it,
// which read ahead into a buffer, cannot offer. They are also content with
// headers the specification forbids; here whatever is not well-formed is an
// error, for the next proxy might take it otherwise.
package proxyproto

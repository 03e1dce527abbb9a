// Package tcp passes connections on to targets as they are: byte for byte, end
// of either direction by end of direction, and a reset as a reset.
//
// What is asked for in the first message of TLS is read without answering it,
// so that a connection can be routed by name and still be encrypted from the
// client to its target. Bytes are moved by the kernel where both ends are plain
// sockets.
package tcp

// Package udp passes datagrams on between clients and targets. What one client
// sends goes to one target for as long as anything moves between the two: a
// session.
package udp

// Package accesslog writes a line for every request.
//
// A [Format] is compiled once and turns an [Entry] into a line without
// allocating. A [Log] collects lines in memory and has one goroutine write them
// in batches, so that no request ever waits for a disk: when lines come faster
// than they can be written, they are dropped and counted.
//
// Whatever a client sends, a line is one line: control bytes, quotes and
// backslashes are escaped, and a JSON line is valid JSON.
package accesslog

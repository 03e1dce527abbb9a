// Package child supervises one program: it is started once everything is
// rendered, told of changes, and ended with sluice.
//
// What does not belong here: when there is something to tell, and what becomes
// of sluice when the program has ended.
package child

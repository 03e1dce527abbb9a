// Package install takes rendered bytes to an applied config: check the
// candidate, write it atomically, run the reload command.
//
// Written is not applied. Before a file with a command is replaced, a marker is
// put beside it, and it is removed only when the command has succeeded. Equal
// bytes with a marker therefore mean that the command is still owed, also after
// a crash or a restart; without one there is nothing on disk but the file.
//
// Beside DIR/NAME these names may appear:
//
//	.NAME.sluice-RANDOM.tmp   the candidate while it is written and checked
//	.NAME.sluice-unapplied    the marker
//	NAME.rejected             the last candidate the check command refused
//	NAME.bak                  the file before the last change, if asked for
//
// What does not belong here: where the bytes come from, and when to try again.
package install

// Package console is a terminal as a platform: for the demo, for scripts, and to
// keep the seam between the process and its platforms honest.
//
// Its promise: what is printed is text. Nothing that a server or a person wrote
// can move the cursor, change a colour, hide a character, turn the direction of
// writing or begin a line that looks like one of allclear's own. A message is
// printed once in the life of a process; after a restart it may be printed again,
// for a terminal cannot be asked what it shows. It holds no policy.
package console

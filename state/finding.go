package state

// Finding is what an examination of one part of a set-up came to, for people: what
// was looked at, how it is, and what to do about it.
type Finding struct {
	What string // "the scope chat:write"
	// Wrong says what is wrong; "" when all is well.
	Wrong string
	// Do is the next step, when something is wrong.
	Do string
	// Warning: it works, but not as well as it should.
	Warning bool
}

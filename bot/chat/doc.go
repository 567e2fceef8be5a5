// Package chat is the vocabulary of a conversation: what a person asks
// (Request), what a command understands (Spec), and what is answered (Message).
//
// Its promise: a Message is a document, not markup. Text in it is data, whoever
// wrote it: a renderer escapes all of it, mentions only whom Notify names, and
// withholds every part whose marking is above the ceiling of the place.
// The package knows no platform and no store.
package chat

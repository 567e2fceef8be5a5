// Package bottest is the suite that every platform must pass, and the fakes that
// the tests of the process share: a store in memory that behaves like a real one,
// and commands made of functions.
//
// Its promise: a platform that passes loses no request that it acknowledged,
// answers once, and shows what strangers wrote as text and nothing else. What a
// platform cannot do is skipped aloud, never silently. It knows no platform.
package bottest

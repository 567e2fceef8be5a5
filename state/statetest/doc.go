// Package statetest is the suite that the store must pass on every engine, and the small world that its tests live in.
//
// The suite is in the test files: it runs on a real redis-server ([Redis]) and on the engine of this process. Both can
// be killed and started again with what they had on disk, and a [Proxy] in between loses replies. What is not
// in test files is for the tests of others: a playbook of three steps, servers, evidence, letters, and the engines.
//
// It knows what the store promises, and nothing of its keys.
package statetest

// Package discordfake is a Discord over real sockets, as strict as Discord, for tests.
package discordfake

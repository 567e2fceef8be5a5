// Command allclear is the ChatOps bot that runs the response to a mass exploitation of servers, and does not stop asking
// until every server is proved remediated.
package main

func main() {}

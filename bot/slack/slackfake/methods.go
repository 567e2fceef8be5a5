package slackfake

import "maps"

// table are all methods of the Web API that are known.
func (s *Slack) table() map[string]method {
	all := map[string]method{}
	for _, part := range []map[string]method{
		s.chatMethods(), s.conversationMethods(), s.peopleMethods(), s.markMethods(), s.viewMethods(), s.fileMethods(),
	} {
		maps.Copy(all, part)
	}
	return all
}

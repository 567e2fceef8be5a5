package slackfake

// refusal is an answer with ok false.
type refusal struct {
	word     string   // Slack's error
	messages []string // what is wrong with blocks or a view
	more     object
}

func refuse(word string) *refusal { return &refusal{word: word} }

// refuseBlocks says what is wrong where, as Slack does: in "errors", and again in
// response_metadata.
func refuseBlocks(word string, problems []string) *refusal {
	return &refusal{word: word, messages: problems}
}

func (r *refusal) object() object {
	o := merge(object{"ok": false, "error": r.word}, r.more)
	if len(r.messages) > 0 {
		var marked []any
		var errs []any
		for _, m := range r.messages {
			errs, marked = append(errs, m), append(marked, "[ERROR] "+m)
		}
		o["errors"], o["response_metadata"] = errs, object{"messages": marked}
	}
	return o
}

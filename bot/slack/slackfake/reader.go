package slackfake

// nobody knows no names.
type nobody struct{}

func (nobody) userName(string) (string, bool)    { return "", false }
func (nobody) channelName(string) (string, bool) { return "", false }
func (nobody) groupName(string) (string, bool)   { return "", false }

// ReadMrkdwn reads Slack's markup as people see it, without knowing any names.
func ReadMrkdwn(text string) []Span { return readMrkdwn(text, nobody{}) }

// CheckBlocks says what Slack would find wrong with the blocks of a message, given
// as JSON, and what people would see. It knows no names.
func CheckBlocks(raw []byte) (problems []string, shown string) {
	v, err := decode(raw)
	if err != nil {
		return []string{"invalid_blocks_format"}, ""
	}
	blocks, ok := v.([]any)
	if !ok {
		return []string{"invalid_blocks_format"}, ""
	}
	p := &page{who: nobody{}}
	p.blocks(blocks)
	return checkBlocks(v, false, false), flat(p.spans)
}

// CheckView says what Slack would find wrong with a view, given as JSON: a modal or
// a home, as it says itself.
func CheckView(raw []byte) []string {
	v, err := decode(raw)
	if err != nil {
		return []string{"invalid_arguments"}
	}
	kind := onModal
	if str(obj(v)["type"]) == string(onHome) {
		kind = onHome
	}
	return checkView(v, kind)
}

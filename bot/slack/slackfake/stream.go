package slackfake

// Limits of the agents' surface (docs.slack.dev/reference/methods/assistant.threads.setStatus).
const maxLoading = 10

// setStatus shows that the app is thinking. It clears by itself after two minutes,
// or with the next message; the fake keeps only the last one.
func (s *Slack) setStatus(c *call) (object, *refusal) {
	ch, refused := s.visible(c.str("channel_id"))
	if refused != nil {
		return nil, refused
	}
	if root := ch.find(c.str("thread_ts")); root == nil || root.isReply() {
		return nil, refuse("invalid_thread_ts")
	}
	loading, err := c.value("loading_messages")
	if err != nil || len(list(loading)) > maxLoading {
		return nil, refuse("invalid_arguments")
	}
	s.assistants[ch.ID+" "+c.str("thread_ts")] = object{"status": c.str("status"), "until": s.clock.Now().Add(statusLife)}
	return nil, nil
}

const statusLife = 2 * 60 * 1e9

func (s *Slack) startStream(c *call) (object, *refusal) {
	ch, refused := s.where(c, c.str("channel"))
	if refused != nil {
		return nil, refused
	}
	if !c.has("thread_ts") {
		return nil, refuse("invalid_thread_ts")
	}
	m := &message{user: BotUser, stream: true}
	if m.threadTS, refused = ch.intoThread(c.str("thread_ts")); refused != nil {
		return nil, refused
	}
	if refused := s.chunks(c, m); refused != nil {
		return nil, refused
	}
	s.put(ch, m)
	return object{"channel": ch.ID, "ts": m.ts}, nil
}

// chunks adds what a call of a stream brings.
func (s *Slack) chunks(c *call, m *message) *refusal {
	if length(c.str("markdown_text")) > maxMarkdown {
		return refuse("msg_too_long")
	}
	m.text += c.str("markdown_text")
	v, err := c.value("chunks")
	if err != nil {
		return refuse("invalid_chunks")
	}
	for _, chunk := range list(v) {
		switch o := obj(chunk); str(o["type"]) {
		case "markdown_text":
			m.text += str(o["text"])
		case "task_update", "plan_update":
			m.text += str(o["title"]) + "\n"
		case "blocks":
			if problems := checkBlocks(o["blocks"], s.opt.NoCharts, true); len(problems) > 0 {
				return refuseBlocks("invalid_blocks", problems)
			}
			m.blocks = append(m.blocks, clone(list(o["blocks"]))...)
		default:
			return refuse("invalid_chunks")
		}
	}
	return nil
}

func (s *Slack) streaming(c *call) (*conversation, *message, *refusal) {
	ch, m, refused := s.mine(c, "message_not_owned_by_app")
	if refused == nil && !m.stream {
		refused = refuse("message_not_in_streaming_state")
	}
	return ch, m, refused
}

func (s *Slack) appendStream(c *call) (object, *refusal) {
	ch, m, refused := s.streaming(c)
	if refused != nil {
		return nil, refused
	}
	if refused := s.chunks(c, m); refused != nil {
		return nil, refused
	}
	return object{"channel": ch.ID, "ts": m.ts}, nil
}

func (s *Slack) stopStream(c *call) (object, *refusal) {
	ch, m, refused := s.streaming(c)
	if refused != nil {
		return nil, refused
	}
	if refused := s.chunks(c, m); refused != nil {
		return nil, refused
	}
	last := &message{}
	if refused := s.readBlocks(c.args, last, true); refused != nil {
		return nil, refused
	}
	if refused := readMetadata(c.args, m); refused != nil {
		return nil, refused
	}
	m.blocks, m.stream = append(m.blocks, last.blocks...), false
	s.nameBlocks(m.blocks)
	return object{"channel": ch.ID, "ts": m.ts, "message": s.wire(ch, m, true)}, nil
}

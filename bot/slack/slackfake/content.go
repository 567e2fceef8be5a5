package slackfake

import (
	"slices"
	"strings"
)

// content is what a message says, checked.
func (s *Slack) content(c *call) (*message, *refusal) {
	m := &message{user: BotUser, text: c.str("text"), username: c.str("username"), clientID: c.str("client_msg_id")}
	if c.has("username") || c.has("icon_url") || c.has("icon_emoji") {
		if denied := c.token.need("chat:write.customize"); denied != nil {
			return nil, denied
		}
	}
	if refused := s.readBlocks(c.args, m, true); refused != nil {
		return nil, refused
	}
	if refused := readMetadata(c.args, m); refused != nil {
		return nil, refused
	}
	if c.has("markdown_text") {
		if c.has("blocks") || c.has("text") {
			return nil, refuse("markdown_text_conflict")
		}
		if length(c.str("markdown_text")) > maxMarkdown {
			return nil, refuse("msg_too_long")
		}
		m.text = c.str("markdown_text")
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return nil, refuse("no_text")
	}
	if m.text == "" && len(m.blocks) > 0 {
		s.complainLocked(NoFallback, "%s with %d blocks and no text", c.name, len(m.blocks))
	}
	if length(m.text) > maxMessage {
		m.text = string([]rune(m.text)[:maxMessage])
		c.warnings = append(c.warnings, "message_truncated")
	}
	if c.str("parse") == "full" || c.truth("link_names") {
		m.text = s.linkNames(m.text)
	}
	return m, nil
}

// readBlocks reads and checks blocks and attachments.
func (s *Slack) readBlocks(a args, m *message, budget bool) *refusal {
	blocks, err := a.value("blocks")
	if _, ok := blocks.([]any); err != nil || blocks != nil && !ok {
		return refuse("invalid_blocks_format")
	}
	m.blocks = clone(list(blocks))
	if problems := checkBlocks(any(m.blocks), s.opt.NoCharts, false); len(m.blocks) > 0 && len(problems) > 0 {
		return refuseBlocks("invalid_blocks", problems)
	}
	if budget && cost(m.blocks) > s.opt.BlockBudget {
		return refuse("msg_blocks_too_long")
	}
	attachments, err := a.value("attachments")
	if _, ok := attachments.([]any); err != nil || attachments != nil && !ok {
		return refuse("invalid_attachments")
	}
	m.attachments = clone(list(attachments))
	if len(m.attachments) > maxAttachments {
		return refuse("too_many_attachments")
	}
	for _, at := range m.attachments {
		if inner := obj(at)["blocks"]; inner != nil {
			if problems := checkBlocks(inner, s.opt.NoCharts, false); len(problems) > 0 {
				return refuseBlocks("invalid_attachments", problems)
			}
		}
	}
	return nil
}

func readMetadata(a args, m *message) *refusal {
	v, err := a.value("metadata")
	if err != nil {
		return refuse("invalid_metadata_format")
	}
	if v == nil {
		return nil
	}
	o := obj(v)
	if o == nil {
		return refuse("invalid_metadata_format")
	}
	if o["entities"] == nil {
		if kind, ok := o["event_type"].(string); !ok || kind == "" || obj(o["event_payload"]) == nil {
			return refuse("invalid_metadata_schema")
		}
	}
	if jsonLength(o) > maxMetadata {
		return refuse("metadata_too_large")
	}
	m.metadata = clone(o)
	return nil
}

// linkNames makes mentions of @names, as link_names and parse=full do.
func (s *Slack) linkNames(text string) string {
	words := strings.Split(text, " ")
	for i, w := range words {
		name, ok := strings.CutPrefix(w, "@")
		if !ok {
			continue
		}
		if slices.Contains([]string{"here", "channel", "everyone"}, name) {
			words[i] = "<!" + name + ">"
		} else if u := s.user(name); u != nil {
			words[i] = "<@" + u.ID + ">"
		}
		for _, g := range s.groups {
			if g.Handle == name {
				words[i] = "<!subteam^" + g.ID + ">"
			}
		}
	}
	return strings.Join(words, " ")
}

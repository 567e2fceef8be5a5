package discordfake

import (
	"slices"
	"strings"
	"time"
)

func (req *request) bulkDelete() (any, *apiError) {
	ch, err := req.textChannel(ManageMessages)
	if err != nil {
		return nil, err
	}
	ids := req.form.get("messages").ids(1 << 20)
	if len(ids) < 2 || len(ids) > 100 {
		return nil, errBulkCount
	}
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			req.form.get("messages").bad("LIST_TYPE_UNIQUE", "The list must have no duplicates.")
		}
		if m := ch.message(id); m != nil && req.f.now().Sub(m.at) > 14*24*time.Hour {
			return nil, errBulkOld
		}
	}
	if err := req.form.p.err(); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if m := ch.message(id); m != nil && m.onlyFor == "" {
			req.f.remove(m)
		}
	}
	return nil, nil
}

func (req *request) typing() (any, *apiError) {
	ch, err := req.textChannel(0)
	if err != nil {
		return nil, err
	}
	if err := req.f.need(ch, ch.sendPermission()); err != nil {
		return nil, err
	}
	if ch.typing == nil {
		ch.typing = map[string]time.Time{}
	}
	ch.typing[req.f.app.ID] = req.f.now()
	return nil, nil
}

// maxReactions is how many emoji one message takes.
const maxReactions = 20

func (req *request) react() (any, *apiError) {
	ch, m, err := req.reacted()
	if err != nil {
		return nil, err
	}
	emoji := req.params["emoji"]
	i := slices.IndexFunc(m.reactions, func(r reaction) bool { return r.emoji == emoji })
	switch {
	case !isEmoji(emoji):
		return nil, errUnknownEmoji
	case i < 0 && len(m.reactions) >= maxReactions:
		return nil, errReactions
	case i < 0:
		if err := req.f.need(ch, AddReactions); err != nil {
			return nil, err
		}
		m.reactions = append(m.reactions, reaction{emoji: emoji})
		i = len(m.reactions) - 1
	}
	if !slices.Contains(m.reactions[i].users, req.f.app.ID) {
		m.reactions[i].users = append(m.reactions[i].users, req.f.app.ID)
	}
	return nil, nil
}

func (req *request) unreact() (any, *apiError) {
	_, m, err := req.reacted()
	if err != nil {
		return nil, err
	}
	for i := range m.reactions {
		if m.reactions[i].emoji == req.params["emoji"] {
			m.reactions[i].users = slices.DeleteFunc(m.reactions[i].users, func(id string) bool { return id == req.f.app.ID })
		}
	}
	m.reactions = slices.DeleteFunc(m.reactions, func(r reaction) bool { return len(r.users) == 0 })
	return nil, nil
}

func (req *request) reacted() (*channel, *message, *apiError) {
	ch, err := req.textChannel(ReadMessageHistory)
	if err != nil {
		return nil, nil, err
	}
	if ch.thread != nil && ch.thread.archived {
		return nil, nil, errArchived
	}
	m, err := req.message(ch)
	return ch, m, err
}

// isEmoji reports whether a text may be an emoji: a sign, or name:id.
func isEmoji(s string) bool {
	if _, id, ok := strings.Cut(s, ":"); ok {
		return isSnowflake(id)
	}
	for _, r := range s {
		if r < 0x80 && !strings.ContainsRune("#*0123456789", r) {
			return false
		}
	}
	return s != ""
}

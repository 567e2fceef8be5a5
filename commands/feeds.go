package commands

import (
	"context"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// bearing is what a source says that bears on an incident, as it is decided now.
func (v *Voice) bearing(ctx context.Context, n state.Notice) (chat.Message, error) {
	id := n.Facts["bearing"]
	d, err := v.desk.Desk(ctx, state.DeskNeed{Bearings: []string{id}})
	if err != nil {
		return chat.Message{}, err
	}
	b, ok := d.Bearings[id]
	if !ok {
		return chat.Message{}, nil
	}
	return chat.Say(bearingParts(b)...), nil
}

// bearingParts show what a source says, and what is proposed because of it.
func bearingParts(b state.Bearing) []chat.Part {
	list := chat.List{Mark: asTLP(min(b.TLP, state.TLPAmberStrict))}
	for _, l := range b.Lines {
		list.Items = append(list.Items, chat.T(chat.C(l)))
	}
	parts := []chat.Part{chat.H(chat.C(b.ID), " · ", chat.C(b.Source), " says of ", chat.C(b.Incident), ":"), list}
	if len(b.Diff) > 0 {
		diff := chat.L()
		for _, l := range b.Diff {
			diff.Items = append(diff.Items, chat.T(chat.C(l)))
		}
		parts = append(parts, chat.P("A revision of the playbook is proposed; every server would be assessed anew:"), diff)
	}
	if b.Decided != "" {
		return append(parts, chat.P("Was "+b.Decided+" by ", chat.C(string(b.By)), "."))
	}
	accept := press("Accept "+b.ID, b.Incident, "feeds accept", b.ID)
	accept.Confirm = "Accept " + b.ID + "? The advisories get a draft of a new version, and a proposed revision is put in force."
	return append(parts, chat.Row(
		chat.Button{Label: "Show", Line: typed("feeds", "show", b.ID)}, accept,
		press("Reject "+b.ID, b.Incident, "feeds reject", b.ID),
	))
}

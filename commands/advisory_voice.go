package commands

import (
	"context"
	"fmt"
	"strconv"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// advisoryCopy is a copy of an advisory in its place, as it is to be now. It is
// reduced to what the place may see here already, so that whoever asked to be
// notified there is, though something is withheld: they are of that place.
func (v *Voice) advisoryCopy(ctx context.Context, n state.Notice, p state.Place) (chat.Message, error) {
	a, c, err := v.advisoryAt(ctx, n, p)
	if err != nil || a.Live == nil {
		return chat.Message{}, err
	}
	_, shown, err := v.desk.CardReceipt(ctx, a.Card(), p)
	if err != nil {
		return chat.Message{}, err
	}
	if a.Withdrawn != nil {
		return struck(a, p, shown), nil
	}
	m, _ := seenAt(a, *a.Live, p)
	switch {
	case len(m.Parts) == 0 && shown:
		return outOfDate(a), nil
	case len(m.Parts) == 0:
		return m, nil
	}
	last := a.Past[len(a.Past)-1]
	m.Add(chat.Note{Mark: asTLP(a.Live.TLP), Text: chat.T(fmt.Sprintf("Published %s UTC.", last.At.UTC().Format("2006-01-02 15:04")))})
	if c.ID != "" {
		m.Add(chat.Buttons{Mark: asTLP(a.Live.TLP), Buttons: communityButtons(a)})
		if !shown && c.Role != "" {
			m.Notify = []string{"link:" + c.Role}
		}
	}
	return m, nil
}

// advisoryAt is the advisory of a notice, and the community whose place it is for.
func (v *Voice) advisoryAt(ctx context.Context, n state.Notice, p state.Place) (state.Advisory, state.Community, error) {
	number, _ := strconv.Atoi(n.Facts["advisory"])
	d, err := v.desk.Desk(ctx, state.DeskNeed{Advisories: []int{number}, Communities: communityIDs(p)})
	if err != nil {
		return state.Advisory{}, state.Community{}, err
	}
	for _, c := range d.Communities {
		if c.Place != nil && c.Place.Key() == p.Key() {
			return d.Advisories[number], c, nil
		}
	}
	return d.Advisories[number], state.Community{}, nil
}

func communityIDs(p state.Place) []string {
	workspace, channel := state.CommunityID(p)
	return []string{workspace, channel}
}

// communityButtons are what a reader in a community may do.
func communityButtons(a state.Advisory) []chat.Button {
	n := fmt.Sprint(a.Number)
	return []chat.Button{
		{Label: "Follow", Line: typed("follow", n)},
		{Label: "Report a sighting", Line: typed("sighting", "report", n), Ask: []string{"text", "tlp?"}},
	}
}

// struck is what stands in the place of a withdrawn advisory. Where it never was,
// nothing is said of it.
func struck(a state.Advisory, p state.Place, shown bool) chat.Message {
	if !shown {
		return chat.Message{}
	}
	head := asTLP(state.TLPClear)
	m := chat.Say(
		chat.Heading{Mark: head, Text: chat.T(fmt.Sprintf("%sAdvisory %d is withdrawn", drillWord(a), a.Number))},
		chat.Para{Mark: head, Text: chat.T("Do not act on what stood here.")},
	).With(chat.ToneWarn)
	m.Topic = chat.Topic{TLP: head.TLP, Title: fmt.Sprintf("Advisory %d: withdrawn", a.Number), Tags: []string{string(state.AdvisoryWithdrawn)}}
	if p.Sees(a.Withdrawn.TLP) {
		m.Add(chat.Para{Mark: asTLP(a.Withdrawn.TLP), Text: chat.T("Reason: ", chat.C(checks.Clean(a.Withdrawn.Reason, state.MaxReason)))})
	}
	m.Add(chat.Note{Mark: head, Text: chat.T("Withdrawn " + a.Withdrawn.At.UTC().Format("2006-01-02 15:04") + " UTC.")})
	return m
}

// outOfDate is what stands in the place of a version whose successor may not be shown there.
func outOfDate(a state.Advisory) chat.Message {
	head := asTLP(state.TLPClear)
	m := chat.Say(
		chat.Heading{Mark: head, Text: chat.T(fmt.Sprintf("%sAdvisory %d is out of date here", drillWord(a), a.Number))},
		chat.Para{Mark: head, Text: chat.T("A newer version may not be shown in this place. Do not act on what stood here.")},
	).With(chat.ToneWarn)
	m.Topic = chat.Topic{TLP: head.TLP, Title: fmt.Sprintf("Advisory %d: out of date", a.Number), Tags: []string{string(state.AdvisorySuperseded)}}
	return m
}

// advisoryNews is one line on a change, for those who would not see an edit.
func (v *Voice) advisoryNews(ctx context.Context, n state.Notice, p state.Place) (chat.Message, error) {
	a, c, err := v.advisoryAt(ctx, n, p)
	if err != nil || a.Live == nil {
		return chat.Message{}, err
	}
	var m chat.Message
	mark := asTLP(a.Live.TLP)
	switch {
	case a.Withdrawn != nil:
		mark = asTLP(state.TLPClear)
		m = chat.Say(chat.Para{Mark: mark, Text: chat.T(chat.B("Withdrawn: "), fmt.Sprintf("advisory %d. Do not act on it.", a.Number))})
	case !p.Sees(a.Live.TLP) && !p.Named:
		return m, nil
	default:
		m = chat.Say(chat.Para{Mark: mark, Text: chat.T(fmt.Sprintf("Advisory %d is now version %d: ", a.Number, a.Live.Version), chat.C(a.Live.Changed))})
	}
	if c.Role != "" {
		m.Notify = append(m.Notify, "link:"+c.Role)
	}
	for _, link := range c.Follows[a.Number] {
		m.Notify = append(m.Notify, "link:"+link)
	}
	return m, nil
}

package slack

import (
	"context"
	"fmt"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// ExaminePeople looks whether the identities to which the configuration links people
// are those of people who can act: who left, a bot, a guest, and a user or a workspace
// that is not there are told. It changes nothing.
func (p *Platform) ExaminePeople(ctx context.Context, people state.People) []bot.Finding {
	me, err := p.api.AuthTestContext(ctx)
	if err != nil {
		return nil // what is wrong with the token is told elsewhere
	}
	var out []bot.Finding
	for _, x := range people {
		for _, link := range x.Links {
			team, user, ok := splitLink(link)
			if !ok {
				continue
			}
			f := bot.Finding{What: fmt.Sprintf("%s as %s", chat.Clean(string(x.ID)), chat.Clean(link))}
			f.Wrong, f.Do, f.Warning = p.identity(ctx, me, team, user, x.Role)
			out = append(out, f)
		}
	}
	return out
}

// identity is what keeps somebody from acting by an identity.
func (p *Platform) identity(ctx context.Context, me *slackgo.AuthTestResponse, team, user string, role state.Role) (wrong, do string, warning bool) {
	if team != me.TeamID && team != me.EnterpriseID {
		return fmt.Sprintf("The workspace is not the token's, which is %s.", chat.Clean(me.TeamID)), "Nothing, if that person comes through a shared channel. Otherwise correct the link.", true
	}
	var u *slackgo.User
	err := p.patiently(ctx, func() (err error) {
		u, err = p.api.GetUserInfoContext(ctx, user)
		return err
	})
	switch {
	case wordOf(err) == "user_not_found":
		return "Slack knows no such user.", "Copy the member ID from the person's profile in Slack.", false
	case err != nil:
		return "It cannot be looked at: " + hushed(err).Error(), "See what is wrong above, then look again.", true
	case u.Deleted:
		return "The account is deactivated.", "Remove the link, and appoint somebody else.", false
	case u.IsBot:
		return "It is a bot, not a person.", "Link the person's own account.", false
	case (u.IsRestricted || u.IsUltraRestricted) && role > state.RoleViewer:
		return fmt.Sprintf("It is a guest: a viewer, whatever the configuration says (%s).", role), "Make the account a member's, or appoint somebody else.", false
	}
	return "", "", false
}

package slackfake

import "slices"

// User is somebody in the workspace, or a guest, a bot, or somebody from another
// workspace who is seen through a shared channel.
type User struct {
	ID, Name, RealName, Email, TZ string
	Team                          string // empty: this workspace
	Bot, Deleted, Admin           bool
	Guest                         bool // is_restricted: a guest of several channels
	SingleGuest                   bool // is_ultra_restricted: a guest of one channel
	Stranger                      bool // is_stranger: not known to this workspace
	EnterpriseID                  string
	AppHomeDisabled               bool
}

// Channel is a conversation. Members nil means everybody of the workspace who is
// no guest.
type Channel struct {
	ID, Name          string
	Private, Archived bool
	ExtShared         bool // is_ext_shared: shared with another organisation
	IM                string
	Members           []string
	// BotIn: the bot is a member.
	BotIn bool
	// ReadOnly: the bot may not post, restricted_action.
	ReadOnly bool
	Topic    string
	Teams    []string // other workspaces that share it
}

// Group is a user group.
type Group struct {
	ID, Handle, Name string
	Members          []string
	Disabled         bool
}

// The default world. Each name works wherever an id is asked for in a test.
const (
	TeamID  = "T0ACME0001"
	AppID   = "A0ALLCLEAR1"
	BotUser = "U0ALLCLEAR1"
	BotID   = "B0ALLCLEAR1"

	Lead1     = "U0LEAD00001" // lead-1, also an administrator
	Lead2     = "U0LEAD00002" // lead-2
	Responder = "U0RESPOND01" // responder
	Manager   = "U0MANAGER01" // manager
	Guest     = "U0GUEST0001" // guest, of the channel shared
	Stranger  = "U0STRANGER1" // stranger, of another organisation
	Gone      = "U0GONE00001" // gone, deleted

	Incident  = "C0INCIDENT1" // incident, public, the bot is in it
	General   = "C0GENERAL01" // general, public, the bot is not in it
	Secret    = "C0SECRET001" // secret, private, the bot is in it
	Hidden    = "C0HIDDEN001" // hidden, private, the bot is not in it
	Shared    = "C0SHARED001" // shared, with another organisation, the bot is in it
	Archived  = "C0ARCHIVED1" // archived
	Notices   = "C0NOTICES01" // notices, where the bot may not post
	SPTeam    = "S0SPTEAM001" // sp-team: responder and lead-2
	OtherTeam = "T0OTHER0001"
)

func defaultUsers() []User {
	return []User{
		{ID: Lead1, Name: "lead-1", RealName: "Lead One", Email: "lead-1@acme.example", TZ: "Europe/Berlin", Admin: true},
		{ID: Lead2, Name: "lead-2", RealName: "Lead Two", Email: "lead-2@acme.example", TZ: "Europe/Berlin"},
		{ID: Responder, Name: "responder", RealName: "A Responder", Email: "responder@acme.example", TZ: "America/New_York"},
		{ID: Manager, Name: "manager", RealName: "A Manager", Email: "manager@acme.example", TZ: "Asia/Tokyo"},
		{ID: Guest, Name: "guest", RealName: "A Guest", Guest: true},
		{ID: Stranger, Name: "stranger", RealName: "A Stranger", Team: OtherTeam, Stranger: true},
		{ID: Gone, Name: "gone", RealName: "Gone", Deleted: true},
	}
}

func defaultChannels() []Channel {
	return []Channel{
		{ID: Incident, Name: "incident", BotIn: true},
		{ID: General, Name: "general"},
		{ID: Secret, Name: "secret", Private: true, BotIn: true, Members: []string{Lead1, Lead2, Responder}},
		{ID: Hidden, Name: "hidden", Private: true, Members: []string{Lead1}},
		{
			ID: Shared, Name: "shared", ExtShared: true, BotIn: true, Teams: []string{OtherTeam},
			Members: []string{Lead1, Lead2, Responder, Manager, Guest, Stranger},
		},
		{ID: Archived, Name: "archived", Archived: true, BotIn: true},
		{ID: Notices, Name: "notices", BotIn: true, ReadOnly: true},
	}
}

func defaultGroups() []Group {
	return []Group{{ID: SPTeam, Handle: "sp-team", Name: "SharePoint team", Members: []string{Responder, Lead2}}}
}

// AddUser makes somebody. What is empty is made up.
func (s *Slack) AddUser(u User) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.ID == "" {
		u.ID = newID("U")
	}
	if u.Name == "" {
		u.Name = "user-" + u.ID
	}
	s.users = append(s.users, &u)
	s.wake()
	return u
}

// AddChannel makes a conversation. What is empty is made up.
func (s *Slack) AddChannel(c Channel) Channel {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addChannel(c).Channel
}

func (s *Slack) addChannel(c Channel) *conversation {
	if c.ID == "" {
		c.ID = newID("C")
	}
	if c.Name == "" {
		c.Name = "channel-" + c.ID
	}
	ch := &conversation{Channel: c}
	s.channels = append(s.channels, ch)
	s.wake()
	return ch
}

// AddGroup makes a user group.
func (s *Slack) AddGroup(g Group) Group {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.ID == "" {
		g.ID = newID("S")
	}
	s.groups = append(s.groups, &g)
	s.wake()
	return g
}

// conversation is a channel with all that was said.
type conversation struct {
	Channel
	messages []*message
	pins     []string
	open     bool // an im that was opened by the app
}

// user finds somebody by id or name. The lock is held.
func (s *Slack) user(key string) *User {
	for _, u := range s.users {
		if u.ID == key || "@"+u.Name == key || u.Name == key {
			return u
		}
	}
	return nil
}

// userByID finds somebody as Slack does, by id only.
func (s *Slack) userByID(id string) *User {
	if i := slices.IndexFunc(s.users, func(u *User) bool { return u.ID == id }); i >= 0 {
		return s.users[i]
	}
	return nil
}

// chan_ finds a conversation by id or name.
func (s *Slack) findChannel(key string) *conversation {
	for _, c := range s.channels {
		if c.ID == key || "#"+c.Name == key || c.Name == key {
			return c
		}
	}
	return nil
}

func (s *Slack) channelByID(id string) *conversation {
	if i := slices.IndexFunc(s.channels, func(c *conversation) bool { return c.ID == id }); i >= 0 {
		return s.channels[i]
	}
	return nil
}

func (s *Slack) groupByID(id string) *Group {
	if i := slices.IndexFunc(s.groups, func(g *Group) bool { return g.ID == id }); i >= 0 {
		return s.groups[i]
	}
	return nil
}

// member reports whether somebody sees a conversation.
func (s *Slack) member(c *conversation, id string) bool {
	if id == BotUser {
		return c.BotIn || c.IM != ""
	}
	if c.IM != "" {
		return c.IM == id
	}
	if c.Members != nil {
		return slices.Contains(c.Members, id)
	}
	u := s.userByID(id)
	return u != nil && !u.Deleted && !u.Guest && !u.SingleGuest && !u.Stranger && u.Team == ""
}

// members are all who see a conversation, the bot with them.
func (s *Slack) members(c *conversation) []string {
	var ids []string
	for _, u := range s.users {
		if s.member(c, u.ID) {
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// im is the direct conversation of the bot with somebody, made when needed.
func (s *Slack) im(user string) *conversation {
	for _, c := range s.channels {
		if c.IM == user {
			return c
		}
	}
	return s.addChannel(Channel{ID: newID("D"), Name: "dm-" + user, IM: user, Members: []string{user}, BotIn: true})
}

package slackfake

import (
	"fmt"
	"slices"
)

// view is a modal or a home, as the app last set it and the person filled it in.
type view struct {
	id, hash, user string
	body           object
	root, previous string
	filled         map[string]map[string]object // by block and action
	errors         map[string]string            // by block
}

func (s *Slack) viewMethods() map[string]method {
	return map[string]method{
		"views.open":    {run: s.openView, tier: 4, json: true, args: "trigger_id interactivity_pointer view"},
		"views.push":    {run: s.pushView, tier: 4, json: true, args: "trigger_id interactivity_pointer view"},
		"views.update":  {run: s.updateView, tier: 4, json: true, args: "view view_id external_id hash"},
		"views.publish": {run: s.publishView, tier: 4, json: true, args: "user_id view hash"},
	}
}

// givenView reads and checks the view of a call.
func (s *Slack) givenView(c *call, kind surface) (object, *refusal) {
	v, err := c.value("view")
	if err != nil || obj(v) == nil {
		return nil, refuseBlocks("invalid_arguments", []string{"missing required field: view [json-pointer:/]"})
	}
	if problems := checkView(v, kind); len(problems) > 0 {
		return nil, refuseBlocks("invalid_arguments", problems)
	}
	if jsonLength(obj(v)) > 250*1024 {
		return nil, refuse("view_too_large")
	}
	return clone(obj(v)), nil
}

// show puts a view up. An external_id is unique in the team.
func (s *Slack) newView(user string, body object) (*view, *refusal) {
	if ext := str(body["external_id"]); ext != "" && s.byExternal(ext) != nil {
		return nil, refuse("duplicate_external_id")
	}
	v := &view{id: newID("V"), user: user, filled: map[string]map[string]object{}}
	v.root = v.id
	s.setView(v, body)
	s.views[v.id] = v
	return v, nil
}

func (s *Slack) setView(v *view, body object) {
	v.body, v.errors = body, nil
	v.hash = fmt.Sprintf("%d.%s", s.clock.Now().Unix(), newSecret(4))
	s.nameBlocks(list(body["blocks"]))
}

func (s *Slack) byExternal(ext string) *view {
	for _, v := range s.views {
		if str(v.body["external_id"]) == ext {
			return v
		}
	}
	return nil
}

// viewObject is a view as Slack shows it.
func (s *Slack) viewObject(v *view) object {
	o := merge(object{
		"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false, "close": nil, "submit": nil,
	}, clone(v.body))
	o["id"], o["hash"], o["team_id"], o["app_id"], o["bot_id"], o["app_installed_team_id"] = v.id, v.hash, TeamID, AppID, BotID, TeamID
	o["root_view_id"], o["previous_view_id"] = v.root, nil
	if v.previous != "" {
		o["previous_view_id"] = v.previous
	}
	o["state"] = object{"values": v.values()}
	return tidy(o)
}

func (s *Slack) openView(c *call) (object, *refusal) {
	body, refused := s.givenView(c, onModal)
	if refused != nil {
		return nil, refused
	}
	t, refused := s.pull(c.str("trigger_id"))
	if refused != nil {
		return nil, refused
	}
	v, refused := s.newView(t.user, body)
	if refused != nil {
		return nil, refused
	}
	s.closeAll(t.user)
	s.modals[t.user] = []*view{v}
	return object{"view": s.viewObject(v)}, nil
}

func (s *Slack) pushView(c *call) (object, *refusal) {
	body, refused := s.givenView(c, onModal)
	if refused != nil {
		return nil, refused
	}
	t, refused := s.pull(c.str("trigger_id"))
	if refused != nil {
		return nil, refused
	}
	v, refused := s.push(t.user, body)
	if refused != nil {
		return nil, refused
	}
	return object{"view": s.viewObject(v)}, nil
}

// push puts a view over the one that is open: two at most.
func (s *Slack) push(user string, body object) (*view, *refusal) {
	stack := s.modals[user]
	switch {
	case len(stack) == 0:
		return nil, refuse("not_found")
	case len(stack) > maxPushed:
		return nil, refuse("push_limit_reached")
	}
	v, refused := s.newView(user, body)
	if refused != nil {
		return nil, refused
	}
	v.root, v.previous = stack[0].id, stack[len(stack)-1].id
	s.modals[user] = append(stack, v)
	return v, nil
}

func (s *Slack) updateView(c *call) (object, *refusal) {
	v := s.views[c.str("view_id")]
	if ext := c.str("external_id"); v == nil && ext != "" {
		v = s.byExternal(ext)
	}
	if v == nil {
		return nil, refuse("not_found")
	}
	body, refused := s.givenView(c, surface(str(v.body["type"])))
	if refused != nil {
		return nil, refused
	}
	if h := c.str("hash"); h != "" && h != v.hash {
		return nil, refuse("hash_conflict")
	}
	if other := s.byExternal(str(body["external_id"])); str(body["external_id"]) != "" && other != nil && other != v {
		return nil, refuse("duplicate_external_id")
	}
	s.setView(v, body)
	return object{"view": s.viewObject(v)}, nil
}

func (s *Slack) publishView(c *call) (object, *refusal) {
	u := s.userByID(c.str("user_id"))
	if u == nil || u.Deleted || u.Bot {
		return nil, refuseBlocks("invalid_arguments", []string{"invalid `user_id` [json-pointer:/user_id]"})
	}
	if u.AppHomeDisabled {
		return nil, refuse("not_enabled")
	}
	body, refused := s.givenView(c, onHome)
	if refused != nil {
		return nil, refused
	}
	v := s.homes[u.ID]
	if h := c.str("hash"); h != "" && (v == nil || h != v.hash) {
		return nil, refuse("hash_conflict")
	}
	if other := s.byExternal(str(body["external_id"])); str(body["external_id"]) != "" && other != nil && other != v {
		return nil, refuse("duplicate_external_id")
	}
	if v == nil {
		if v, refused = s.newView(u.ID, body); refused != nil {
			return nil, refused
		}
		s.homes[u.ID] = v
	} else {
		s.setView(v, body)
	}
	return object{"view": s.viewObject(v)}, nil
}

// closeAll ends all views of somebody.
func (s *Slack) closeAll(user string) {
	for _, v := range s.modals[user] {
		delete(s.views, v.id)
	}
	delete(s.modals, user)
}

// closeView ends a view, and shows the one below it.
func (s *Slack) closeView(v *view) {
	delete(s.views, v.id)
	s.modals[v.user] = slices.DeleteFunc(s.modals[v.user], func(o *view) bool { return o == v })
}

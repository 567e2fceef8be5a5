package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// Limits of an advisory: what fits a post on any platform.
const (
	maxTitle = 150  // runes
	maxBody  = 8000 // runes
)

// markings are the ways to write a marking that fit a line.
func markings() []string { return []string{"red", "amber+strict", "amber", "green", "clear"} }

// advisoryDraft writes the first version of an advisory.
type advisoryDraft struct {
	store interface {
		Changer
		Reader
	}
	now func() time.Time
}

func (advisoryDraft) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory draft", Summary: "Write a new advisory; nothing is published",
		Args: []chat.Arg{
			{Name: "title", Help: "one line"},
			{Name: "body", Help: "the text, or a file", Type: chat.Upload, Rest: true},
		},
		Flags: []chat.Arg{{Name: "tlp", Help: "how far it may go once it is published, amber+strict if nothing is said", Choices: markings()}},
		Examples: []chat.Example{{
			Line: `advisory draft --tlp green "SharePoint: patch, then rotate the keys" Install both updates, run PSConfig, rotate the machine keys, restart IIS.`,
			Does: "saves advisory 1, version 1",
		}},
		Role: state.RoleResponder,
	}
}

func (c advisoryDraft) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a := state.Advisory{Title: call.Values.String("title"), TLP: state.TLPAmberStrict}
	if err := fill(&a, call); err != nil {
		return chat.Message{}, err
	}
	if a.Body == "" {
		return chat.Message{}, &chat.Problem{What: "An advisory needs a text.", Try: "Write it behind the title, or hand in a file."}
	}
	return save(ctx, c.store, call, c.now(), a)
}

// advisoryUpdate writes the next version of an advisory.
type advisoryUpdate struct {
	store interface {
		Changer
		Reader
	}
	now func() time.Time
}

func (advisoryUpdate) Spec() chat.Spec {
	return chat.Spec{
		Path: "advisory update", Summary: "Write the next version of an advisory; what is not given stays",
		Args: []chat.Arg{
			{Name: "number", Help: "as advisory list shows it", Type: chat.Number},
			{Name: "body", Help: "the whole new text, or a file", Type: chat.Upload, Optional: true, Rest: true},
		},
		Flags: []chat.Arg{
			{Name: "title", Help: "the new title"},
			{Name: "tlp", Help: "the new marking", Choices: markings()},
		},
		Examples: []chat.Example{{Line: `advisory update 1 --title "SharePoint: rotate the keys again"`, Does: "saves the next version of advisory 1, with another title"}},
		Role:     state.RoleResponder,
	}
}

func (c advisoryUpdate) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	a, err := advisoryOf(ctx, c.store, call)
	if err != nil {
		return chat.Message{}, err
	}
	was := a
	if call.Values.Has("title") {
		a.Title = call.Values.String("title")
	}
	if err := fill(&a, call); err != nil {
		return chat.Message{}, err
	}
	if a == was {
		return chat.Message{}, &chat.Problem{What: fmt.Sprintf("Nothing about advisory %d would change.", a.Number), Try: "Give a new text, --title or --tlp."}
	}
	return save(ctx, c.store, call, c.now(), a)
}

// fill takes the text and the marking from a request, and checks all of it.
func fill(a *state.Advisory, call chat.Call) error {
	if call.Values.String("body") != "" || len(call.Values.Files()) > 0 {
		body, err := handedIn(call, "body")
		if err != nil {
			return err
		}
		a.Body = strings.TrimSpace(strings.ToValidUTF8(string(body), "\uFFFD"))
	}
	if call.Values.Has("tlp") {
		tlp, err := state.ParseTLP(call.Values.String("tlp"))
		if err != nil {
			return err
		}
		a.TLP = tlp
	}
	a.Title = strings.Join(strings.Fields(a.Title), " ")
	switch t, b := len([]rune(a.Title)), len([]rune(a.Body)); {
	case t == 0:
		return &chat.Problem{What: "An advisory needs a title."}
	case t > maxTitle:
		return &chat.Problem{What: fmt.Sprintf("The title is longer than %d characters.", maxTitle)}
	case b > maxBody:
		return &chat.Problem{What: fmt.Sprintf("The text is longer than %d characters.", maxBody), Try: "Nothing was saved."}
	}
	return nil
}

func save(ctx context.Context, s interface {
	Changer
	Reader
}, call chat.Call, now time.Time, a state.Advisory,
) (chat.Message, error) {
	var saved state.Advisory // apart from what is given: the change may be run again
	out, err := s.Update(ctx, call.Work("advisory", now), call.Incident, nil, func(tx *state.Tx) (err error) {
		saved, err = tx.SaveAdvisory(a)
		return err
	})
	if err != nil {
		return chat.Message{}, err
	}
	if out.Already {
		if saved, err = savedBefore(ctx, s, call.Incident, a); err != nil {
			return chat.Message{}, err
		}
	}
	m := advisoryMessage(saved)
	m.Parts = append([]chat.Part{chat.P("Saved. Nothing is published.")}, m.Parts...)
	return m, nil
}

// savedBefore finds what a request that is run again had saved.
func savedBefore(ctx context.Context, r Reader, incident string, a state.Advisory) (state.Advisory, error) {
	inc, err := r.Incident(ctx, incident)
	for _, o := range slices.Backward(inc.Advisories) {
		if o.Title == a.Title && o.Body == a.Body && o.TLP == a.TLP {
			return o, err
		}
	}
	return a, err
}

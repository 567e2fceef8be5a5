package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// reportCommand hands out the whole incident as files, for whoever must be told of it.
type reportCommand struct {
	store pastStore
	from  feeds.Publisher
	now   func() time.Time
}

func (reportCommand) Spec() chat.Spec {
	return chat.Spec{
		Path: "report", Summary: "Write the whole incident for a regulator or an insurer: timeline, decisions, evidence, what could not be seen",
		Flags: []chat.Arg{{Name: "as", Help: "md, json, csv, vex (or csaf, openvex), or all; several with commas", Type: chat.Word}},
		Examples: []chat.Example{
			{Line: "report", Does: "hands out all files: text, tables, and the products as VEX"},
			{Line: "report --as md,csv", Does: "only the text and the tables"},
		},
		Role: state.RoleResponder, Private: true,
	}
}

func (c reportCommand) Run(ctx context.Context, call chat.Call) (chat.Message, error) {
	if _, err := reportFormats(call.Values.String("as")); err != nil {
		return chat.Message{}, &chat.Problem{What: "The report has no such form: " + err.Error() + ".", Try: "Leave --as out for all of them."}
	}
	files := map[string]*bytes.Buffer{}
	var order []ReportFile
	err := WriteReport(ctx, c.store, call.Incident, call.Values.String("as"), c.now(), c.from, func(f ReportFile) (io.WriteCloser, error) {
		files[f.Name], order = &bytes.Buffer{}, append(order, f)
		return closeNothing{files[f.Name]}, nil
	})
	var gone *missingEntries
	if errors.As(err, &gone) {
		return chat.Message{}, &chat.Problem{What: "There is no report without the whole record: " + gone.Error() + ".", Try: "Bring it back from an export."}
	}
	if err != nil {
		return chat.Message{}, err
	}
	inc, err := c.store.Incident(ctx, call.Incident)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Say(chat.H(drillMark(inc), "Report on ", chat.C(inc.ID), " as of "+momentOf(c.now())))
	list := chat.L()
	for _, f := range order {
		list.Items = append(list.Items, chat.T(chat.C(f.Name), fmt.Sprintf(": %s · %s", f.What, f.TLP)))
	}
	m.Add(list)
	for _, f := range order {
		m.Add(chat.Attachment{Mark: chat.Mark{TLP: f.TLP}, Name: fileName(inc.ID) + "-" + f.Name, Data: files[f.Name].Bytes()})
	}
	m.Add(chat.N("It names persons and servers. Look at it before it leaves: ", chat.C("What could not be seen"), " is a part of it. One server's proof: ", chat.C("prove SERVER"), "."))
	m.About = chat.About{Incident: inc.ID}
	return m, nil
}

type closeNothing struct{ io.Writer }

func (closeNothing) Close() error { return nil }

package console_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot"
	"github.com/allclear-bot/allclear/bot/bottest"
	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/bot/console"
	"github.com/allclear-bot/allclear/state"
)

// noon is when everything happens.
func noon() time.Time { return time.Date(2025, 7, 21, 12, 3, 0, 0, time.UTC) }

// listen is an intake that keeps what it is given.
func listen(got *[]chat.Request, ack bot.Ack) bot.Desk {
	return bottest.Desk(func(_ context.Context, r chat.Request) (bot.Ack, error) {
		*got = append(*got, r)
		return ack, nil
	})
}

// read runs a console over some lines.
func read(t *testing.T, lines string, o console.Options) (requests []chat.Request, printed string) {
	t.Helper()
	out := &screen{}
	o.Now, o.Session = noon, "s"
	p := console.New(strings.NewReader(lines), out, o)
	require.NoError(t, p.Run(t.Context(), listen(&requests, bot.Ack{})))
	return requests, out.String()
}

func TestEachLineIsARequestOfItsOwn(t *testing.T) {
	t.Parallel()
	got, _ := read(t, "scan\n\n  scan --group emea \r\nlast", console.Options{User: "rob"})
	require.Len(t, got, 3)
	require.Equal(t, []string{"scan", "scan --group emea", "last"}, []string{got[0].Text, got[1].Text, got[2].Text})
	require.Equal(t, "console:rob", got[0].Actor.Link)
	require.Equal(t, state.Place{Platform: "console", Channel: "terminal", Ceiling: state.TLPAmberStrict}, got[0].Place)
	require.Equal(t, chat.TriggerLine, got[0].Trigger)
	require.NotEqual(t, got[0].ID, got[1].ID)
}

func TestSomebodyElseSpeaksOnlyWhenTheyAreListed(t *testing.T) {
	t.Parallel()
	got, _ := read(t, "as lead-1: confirm x", console.Options{User: "rob"})
	require.Equal(t, "console:rob", got[0].Actor.Link, "nobody is listed")
	require.Equal(t, "as lead-1: confirm x", got[0].Text)

	o := console.Options{User: "rob", Roles: []string{"lead-1"}, Echo: true}
	got, printed := read(t, "as lead-1: confirm x\nas eve: confirm x\nscan", o)
	require.Len(t, got, 2)
	require.Equal(t, "console:lead-1", got[0].Actor.Link)
	require.Equal(t, "confirm x", got[0].Text)
	require.Equal(t, "console:rob", got[1].Actor.Link)
	require.Equal(t, "lead-1> confirm x\nrob> as eve: confirm x\nallclear  12:03  only rob sees this\n"+
		"  nobody here is \"eve\"; there are: lead-1\n\nrob> scan\n", printed)
}

func TestALineThatIsTooLongIsRefusedAndTheNextIsRead(t *testing.T) {
	t.Parallel()
	got, _ := read(t, strings.Repeat("x", 3*chat.MaxLine)+"\nscan\n", console.Options{})
	require.Len(t, got, 2)
	_, err := chat.Words(got[0].Text)
	require.ErrorContains(t, err, "longer than")
	require.Equal(t, "scan", got[1].Text)
}

func TestFilesAreHandedInOnlyWhenThatIsAllowed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	report, spaced, big := filepath.Join(dir, "report.json"), filepath.Join(dir, "my report.csv"), filepath.Join(dir, "big.log")
	require.NoError(t, os.WriteFile(report, []byte("{}"), 0o600))
	require.NoError(t, os.WriteFile(spaced, []byte("a,b"), 0o600))
	require.NoError(t, os.WriteFile(big, make([]byte, 8<<20+1), 0o600))

	got, _ := read(t, "evidence add @"+report, console.Options{})
	require.Equal(t, "evidence add @"+report, got[0].Text)
	require.Empty(t, got[0].Files)

	o := console.Options{Files: true}
	got, _ = read(t, "evidence add @"+report+" --farm a\nimport @\""+spaced+"\"\nping @lead-1\nadd {\"a\": \" @"+report+"\"}", o)
	require.Equal(t, "evidence add --farm a", strings.Join(strings.Fields(got[0].Text), " "))
	require.Equal(t, []chat.File{{Name: "report.json", Data: []byte("{}")}}, got[0].Files)
	require.Equal(t, "import", got[1].Text)
	require.Equal(t, "my report.csv", got[1].Files[0].Name)
	require.Equal(t, "ping @lead-1", got[2].Text, "not a file, and does not look like one")
	require.Empty(t, got[3].Files, "JSON is data")

	got, printed := read(t, "add @"+big+"\nadd @"+dir+"\nadd @nowhere/x.json\nadd @/dev/zero", o)
	require.Empty(t, got)
	for _, want := range []string{"larger than 8.0 MB", "not a regular file", "not handed in"} {
		require.Contains(t, strings.Join(strings.Fields(printed), " "), want)
	}
}

func TestRunWaitsForAnswersAtTheEndOfTheInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &screen{}
		p := console.New(strings.NewReader("scan\nscan"), out, console.Options{Now: noon})
		running := 0
		began := time.Now()
		require.NoError(t, p.Run(t.Context(), bottest.Desk(func(_ context.Context, r chat.Request) (bot.Ack, error) {
			running++
			takes := time.Duration(running) * time.Minute
			go func() {
				time.Sleep(takes)
				_, _ = p.Post(t.Context(), p.Place(), chat.Say(chat.P("done")), chat.AnswerKey(r.ID)+" @ "+p.Place().Key())
			}()
			return bot.Ack{Accepted: true}, nil
		})))
		require.GreaterOrEqual(t, time.Since(began), 2*time.Minute)
		require.Equal(t, 2, strings.Count(out.String(), "done"))
	})
}

func TestInOrderReadsTheNextLineAfterTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &screen{}
		p := console.New(strings.NewReader("one\ntwo"), out, console.Options{Now: noon, InOrder: true, Echo: true})
		require.NoError(t, p.Run(t.Context(), bottest.Desk(func(_ context.Context, r chat.Request) (bot.Ack, error) {
			go func() {
				time.Sleep(time.Minute)
				id, _ := p.Post(t.Context(), p.Place(), chat.Say(chat.Bar(0, 4)), "progress")
				_ = p.Edit(t.Context(), p.Place(), id, chat.Say(chat.P("answer to "+r.Text)), chat.AnswerKey(r.ID)+" @ x")
			}()
			return bot.Ack{Accepted: true}, nil
		})))
		require.Equal(t, "> one\nallclear  12:03\n  ░░░░░░░░░░░░░░░░░░░░░░░░ 0/4\n\nallclear  12:03  update\n  answer to one\n\n"+
			"> two\nallclear  12:03  update\n  answer to two\n", out.String())
	})
}

func TestRunEndsWithItsContextThoughNobodyTypes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, keyboard := io.Pipe()
		p := console.New(in, io.Discard, console.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.NoError(t, p.Run(ctx, listen(new([]chat.Request), bot.Ack{})))
		_, err := io.WriteString(keyboard, "too late\n")
		require.Error(t, err)
	})
}

func TestAnInputThatBreaksIsAnError(t *testing.T) {
	t.Parallel()
	in, keyboard := io.Pipe()
	require.NoError(t, keyboard.CloseWithError(errors.New("unplugged")))
	err := console.New(in, io.Discard, console.Options{}).Run(t.Context(), listen(new([]chat.Request), bot.Ack{}))
	require.ErrorContains(t, err, "read the terminal: unplugged")
}

func bar(n int) chat.Message { return chat.Say(chat.H("Scan"), chat.Bar(n, 8, "servers")) }

func TestAPipeIsToldOfEachQuarterOnly(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon})
	id, err := p.Post(t.Context(), p.Place(), bar(0), "a")
	require.NoError(t, err)
	for n := 1; n < 8; n++ {
		require.NoError(t, p.Edit(t.Context(), p.Place(), id, bar(n), "b"))
	}
	for range 2 {
		require.NoError(t, p.Edit(t.Context(), p.Place(), id, bar(8), "c"))
	}
	require.Equal(t, 5, strings.Count(out.String(), "allclear"))
	require.NotContains(t, out.String(), "\x1b")
}

func TestATerminalRedrawsWhatIsStillTheLast(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon, TTY: true, Prompt: "> "})
	ctx := t.Context()
	id, err := p.Post(ctx, p.Place(), bar(0), "a")
	require.NoError(t, err)
	require.NoError(t, p.Edit(ctx, p.Place(), id, bar(1), "b"))
	require.Equal(t, 1, strings.Count(out.String(), "\r\x1b[3A\x1b[J"), "three lines up")
	_, err = p.Post(ctx, p.Place(), chat.Say(chat.P("something else")), "c")
	require.NoError(t, err)
	require.NoError(t, p.Edit(ctx, p.Place(), id, bar(1), "d"))
	require.NoError(t, p.Edit(ctx, p.Place(), id, bar(2), "d"))
	require.Equal(t, 1, strings.Count(out.String(), "A\x1b[J"), "there is something below it now")
	require.Contains(t, out.String(), "update\n  Scan\n  ██████░░")
}

func TestTheHeadOfAMessageSaysWhereItGoesAndWhoIsMeant(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon})
	place := p.Place()
	place.Channel, place.Thread, place.Person = "managers\x1b[2J", "day 2", "console:lea"
	m := chat.Say(chat.P("Look.\nallclear  12:00"))
	m.Notify = []string{"person:lead-1\nallclear"}
	_, err := p.Post(t.Context(), place, m, "a")
	require.NoError(t, err)
	require.Equal(t, "allclear  12:03  in managers\\x1b[2J  thread day 2  only lea sees this  @person:lead-1\\nallclear\n"+
		"  Look.\\nallclear  12:00\n", out.String())
}

func TestTheSameKeyIsPrintedOnceAndFoundInThisProcessOnly(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon})
	first, err := p.Post(t.Context(), p.Place(), chat.Say(chat.P("once")), "a")
	require.NoError(t, err)
	again, err := p.Post(t.Context(), p.Place(), chat.Say(chat.P("once")), "a")
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, strings.Count(out.String(), "once"))
	_, found, err := console.New(strings.NewReader(""), out, console.Options{}).Find(t.Context(), p.Place(), "a")
	require.NoError(t, err)
	require.False(t, found)
}

func TestWhatIsCarriedIsSavedUnderANameOfOurs(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon, SaveDir: dir, Width: 300})
	m := chat.Say(chat.Attachment{Name: "../../etc/pass wd\x1b[2J.csv", Data: []byte("1")}, chat.Attachment{Name: "..", Data: []byte("2")},
		chat.Picture{Name: "a.png", Alt: "a", PNG: []byte("3")}, chat.Attachment{Name: "a.png", Data: []byte("4")})
	_, err := p.Post(t.Context(), p.Place(), m, "a")
	require.NoError(t, err)
	for name, want := range map[string]string{"etc_pass_wd_2J.csv": "1", "file": "2", "a.png": "3", "a-1.png": "4"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		require.Contains(t, out.String(), "saved as "+filepath.Join(dir, name))
	}
}

func TestQuitEndsTheReading(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"quit", " EXIT ", "exit"} {
		got, printed := read(t, "scan\n"+word+"\nstatus\n", console.Options{})
		require.Len(t, got, 1, "what stands behind it is not read")
		require.Empty(t, printed)
	}
	got, _ := read(t, "quit now\n", console.Options{})
	require.Len(t, got, 1, "only the word alone")
}

func TestWhoLeavesATerminalIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"scan\nquit\n", "scan\n"} {
		p := console.New(strings.NewReader(line), &screen{}, console.Options{TTY: true})
		require.NoError(t, p.Run(t.Context(), listen(new([]chat.Request), bot.Ack{Accepted: true})), "nothing answers it")
	}
}

func TestWhatIsNotSavedIsSaid(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Unsaved: "Start with --save to keep it."})
	_, err := p.Post(t.Context(), p.Place(), chat.Say(chat.Picture{Name: "a.png", Alt: "a curve", PNG: []byte("1")}), "a")
	require.NoError(t, err)
	_, err = p.Post(t.Context(), p.Place(), chat.Say(chat.P("words alone")), "b")
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(out.String(), "  Start with --save to keep it.\n"))
}

func TestWhatTheProcessTellsIsNotPrintedOver(t *testing.T) {
	t.Parallel()
	out := &screen{}
	p := console.New(strings.NewReader(""), out, console.Options{Now: noon, TTY: true, Prompt: "> "})
	id, err := p.Post(t.Context(), p.Place(), bar(0), "a")
	require.NoError(t, err)
	require.NoError(t, p.Tell("Stopping."))
	require.NoError(t, p.Run(t.Context(), listen(new([]chat.Request), bot.Ack{})))
	before := len(out.String())
	require.NoError(t, p.Edit(t.Context(), p.Place(), id, bar(8), "b"))
	require.NotContains(t, out.String()[before:], "A\x1b[J")
	require.NotContains(t, out.String()[before:], "> ", "nobody is asked any more")
	require.Contains(t, out.String(), "Stopping.\n")
}

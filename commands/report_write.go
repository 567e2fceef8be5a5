package commands

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/state"
)

// ReportFile is one file of a report.
type ReportFile struct {
	Format string // how it is asked for
	Name   string
	What   string
	// TLP is how far it may go.
	TLP   state.TLP
	write func(*reporter, context.Context, io.Writer) error
}

// ReportFiles are all files that a report may have, in their order.
func ReportFiles() []ReportFile {
	return []ReportFile{
		{"md", "report.md", "the report for people", state.TLPAmberStrict, (*reporter).markdown},
		{"json", "report.json", "all of it for programs", state.TLPAmberStrict, (*reporter).json},
		{"timeline", "timeline.csv", "all that happened", state.TLPAmberStrict, (*reporter).timelineCSV},
		{"servers", "servers.csv", "every server", state.TLPAmberStrict, (*reporter).serversCSV},
		{"evidence", "evidence.csv", "every step of every server, with the evidence that decided it", state.TLPAmberStrict, (*reporter).evidenceCSV},
		{"csaf", "vex.csaf.json", "the products, as CSAF 2.0 VEX", state.TLPAmber, (*reporter).csaf},
		{"openvex", "vex.openvex.json", "the products, as OpenVEX", state.TLPAmber, (*reporter).openVEX},
	}
}

// reportFormats are the names by which files are asked for. "csv" is the three tables.
func reportFormats(asked string) ([]ReportFile, error) {
	all := ReportFiles()
	if asked == "" || asked == "all" {
		return all, nil
	}
	var out []ReportFile
	for f := range strings.SplitSeq(asked, ",") {
		n := len(out)
		for _, r := range all {
			if r.Format == f || f == "csv" && strings.HasSuffix(r.Name, ".csv") || f == "vex" && strings.HasPrefix(r.Name, "vex.") {
				out = append(out, r)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("there is no report as %.40q: md, json, csv, timeline, servers, evidence, csaf, openvex, vex or all", f)
		}
	}
	return out, nil
}

// reporter is one report in the making.
type reporter struct {
	store pastStore
	from  feeds.Publisher
	*reportData
}

// WriteReport writes the files of a report that are asked for, each to what create
// returns for it. The same record, farms and moment give the same bytes; memory does
// not grow with the timeline.
func WriteReport(ctx context.Context, s interface {
	Reader
	Auditor
}, incident, formats string, now time.Time, from feeds.Publisher, create func(ReportFile) (io.WriteCloser, error),
) error {
	files, err := reportFormats(formats)
	if err != nil {
		return err
	}
	d, err := gather(ctx, s, incident, now)
	if err != nil {
		return err
	}
	r := &reporter{s, from, d}
	for _, f := range files {
		w, err := create(f)
		if err != nil {
			return err
		}
		if err := cmp.Or(f.write(r, ctx, w), w.Close()); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	return nil
}

// eachHappening visits all that the record tells, in its order.
func (r *reporter) eachHappening(ctx context.Context, do func(happening) error) error {
	return eachEntry(ctx, r.store, max(1, r.first), r.last, func(e state.AuditEntry) error {
		if e.Incident != r.inc.ID {
			return nil
		}
		for _, h := range happenings(e) {
			if err := do(h); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *reporter) timelineCSV(ctx context.Context, w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"entry", "at", "by", "second", "what", "farm", "server", "from", "to", "words", "evidence", "digest"})
	err := r.eachHappening(ctx, func(h happening) error {
		return c.Write([]string{
			fmt.Sprint(h.Seq), iso(h.At), cell(h.By), cell(string(h.Second)), cell(h.Type), cell(h.Farm), cell(h.Server), h.From, h.To, cell(h.Words), h.Evidence, cell(h.Digest),
		})
	})
	c.Flush()
	return cmp.Or(err, c.Error())
}

func (r *reporter) serversCSV(ctx context.Context, w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{
		"server", "farm", "owner", "group", "exposure", "status", "since", "product", "verdict", "reason", "signs of an attacker", "steps proved", "steps",
		"last look", "last answer", "confirmed", "by", "second", "facts",
	})
	err := r.eachServer(ctx, r.store, func(s reportServer) error {
		done := 0
		for _, st := range s.Steps {
			if st.Status.Done() {
				done++
			}
		}
		row := []string{
			cell(s.Name), cell(s.Farm), cell(s.Owner), cell(s.Group), s.Exposure.String(), s.Status.String(), iso(s.Since), cell(s.Product), s.Verdict.String(), cell(s.Reason),
			cell(strings.Join(s.Signs, "; ")), fmt.Sprint(done), fmt.Sprint(len(s.Steps)), iso(s.LastLook), iso(s.LastReached), "", "", "", "",
		}
		if k := s.Confirmation; k != nil {
			copy(row[15:], []string{iso(k.At), cell(string(k.By)), cell(string(k.Second)), k.Hash})
		}
		return c.Write(row)
	})
	c.Flush()
	return cmp.Or(err, c.Error())
}

func (r *reporter) evidenceCSV(ctx context.Context, w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"server", "step", "of", "status", "kind", "value", "source", "tool", "seen", "since", "by", "evidence", "digest of the raw input", "why"})
	err := r.eachServer(ctx, r.store, func(s reportServer) error {
		for _, st := range s.Steps {
			err := c.Write([]string{
				cell(s.Name), cell(st.Step), cell(st.Of), st.Status.String(), cell(string(st.Kind)), cell(st.Value), st.Source, cell(st.Tool), iso(st.Observed), iso(st.Since),
				cell(st.By), st.Evidence, cell(st.Digest), cell(st.Why),
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	c.Flush()
	return cmp.Or(err, c.Error())
}

func (r *reporter) vex() feeds.VEX {
	return feeds.VEX{ID: "ALLCLEAR-VEX-" + strings.ToUpper(fileName(r.inc.ID)), Rules: r.inc.Rules, First: r.inc.Opened, Made: r.now, TLP: state.TLPAmber}
}

func (r *reporter) csaf(_ context.Context, w io.Writer) error {
	raw, err := r.vex().WriteCSAF(r.from)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

func (r *reporter) openVEX(_ context.Context, w io.Writer) error {
	raw, err := r.vex().WriteOpenVEX(r.from)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// json writes one object; its long lists a line each.
func (r *reporter) json(ctx context.Context, w io.Writer) error {
	unseen := map[string]int{}
	for why, s := range r.unseen {
		unseen[why] = s.n
	}
	head, err := compactJSON(struct {
		Format   string             `json:"format"`
		TLP      state.TLP          `json:"tlp"`
		Made     time.Time          `json:"made"`
		Incident string             `json:"incident"`
		Title    string             `json:"title"`
		Drill    bool               `json:"drill,omitempty"`
		Opened   time.Time          `json:"opened"`
		OpenedBy state.PersonID     `json:"openedBy"`
		Closed   time.Time          `json:"closed,omitzero"`
		Playbook string             `json:"playbook"`
		Revision int                `json:"revision"`
		CVEs     []string           `json:"cves"`
		Clear    *state.Declaration `json:"clear,omitempty"`
		Entries  [2]int64           `json:"entries"`
		Counts   state.Counts       `json:"counts"`
		Unseen   map[string]int     `json:"couldNotBeSeen"`
	}{
		"allclear/report/1", state.TLPAmberStrict, r.now, r.inc.ID, r.inc.Title, r.inc.Drill, r.inc.Opened.UTC(), r.inc.OpenedBy, r.inc.Closed, r.inc.Rules.Playbook, r.inc.Rules.Revision,
		r.inc.Rules.CVEs, r.inc.Clear,
		[2]int64{r.first, r.last},
		r.counts, unseen,
	})
	if err != nil {
		return err
	}
	l := &jsonLists{w: w}
	l.text(strings.TrimSuffix(string(head), "}"))
	l.begin("decisions")
	for _, d := range r.decisions {
		l.item(d)
	}
	l.begin("exceptions")
	for _, x := range r.exceptions {
		l.item(x)
	}
	l.begin("servers")
	err = r.eachServer(ctx, r.store, func(s reportServer) error { return l.item(s) })
	if err != nil {
		return err
	}
	l.begin("timeline")
	if err := r.eachHappening(ctx, func(h happening) error { return l.item(h) }); err != nil {
		return err
	}
	l.text("\n]}\n")
	return l.err
}

func compactJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// jsonLists writes lists into an object that was begun, and remembers the first error.
type jsonLists struct {
	w    io.Writer
	open bool
	n    int
	err  error
}

func (l *jsonLists) text(s string) {
	if l.err == nil {
		_, l.err = io.WriteString(l.w, s)
	}
}

func (l *jsonLists) begin(name string) {
	if l.open {
		l.text("\n]")
	}
	l.open, l.n = true, 0
	l.text(",\n\"" + name + "\": [")
}

func (l *jsonLists) item(v any) error {
	raw, err := compactJSON(v)
	if err != nil {
		l.err = cmp.Or(l.err, err)
		return l.err
	}
	if l.n++; l.n > 1 {
		l.text(",")
	}
	l.text("\n" + string(raw))
	return l.err
}

// markdown is the report for people.
func (r *reporter) markdown(ctx context.Context, out io.Writer) error {
	var b bytes.Buffer
	r.summary(&b)
	r.notSeen(&b)
	r.decided(&b)
	r.accepted(&b)
	r.stillOpen(&b)
	if _, err := out.Write(b.Bytes()); err != nil {
		return err
	}
	if err := r.went(ctx, out); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, `
## How to check this

- It was made from entries %d to %d of the record, in which each entry carries the hash of the one before it: "allclear audit verify" checks all of it.
- "allclear prove SERVER" writes the evidence of one server as a file that anybody can check without a store.
- A server is confirmed only when every step is proved by evidence and two persons have confirmed the same facts. What was claimed is shown, and counts for nothing.
- Beside this file: timeline.csv has every single event, servers.csv every server, evidence.csv what decided each step, with the digest of its raw input.
`, r.first, r.last)
	return err
}

func (r *reporter) summary(b *bytes.Buffer) {
	inc := r.inc
	drill := ""
	if inc.Drill {
		drill = "DRILL: "
	}
	fmt.Fprintf(b, "# %s%s\n\n%s · incident %s · as of %s\n\n", drill, mdText(inc.Title), state.TLPAmberStrict, mdText(inc.ID), iso(r.now))
	fmt.Fprintf(b, "## In short\n\n- Opened %s by %s.\n", iso(inc.Opened), mdText(cmp.Or(string(inc.OpenedBy), "allclear")))
	if len(inc.Rules.CVEs) > 0 {
		fmt.Fprintf(b, "- About %s.\n", mdText(strings.Join(inc.Rules.CVEs, ", ")))
	}
	fmt.Fprintf(b, "- Judged by revision %d of the playbook %s.", inc.Rules.Revision, mdText(inc.Rules.Playbook))
	for _, v := range inc.Revised {
		fmt.Fprintf(b, " Revision %d is in force since %s, by %s.", v.Revision, iso(v.At), mdText(string(v.By)))
	}
	fmt.Fprint(b, "\n")
	switch {
	case inc.Clear != nil:
		fmt.Fprintf(b, "- **%s**, declared %s by %s and %s: %d confirmed, %d with an accepted risk, %d retired.\n", inc.Clear.Words(), iso(inc.Clear.At), mdText(string(inc.Clear.By)), mdText(string(inc.Clear.Second)), inc.Clear.Confirmed, inc.Clear.Exceptions, inc.Clear.Retired)
	default:
		fmt.Fprint(b, "- **Not declared clear.**\n")
	}
	if !inc.Closed.IsZero() {
		fmt.Fprintf(b, "- Closed %s by %s.\n", iso(inc.Closed), mdText(string(inc.ClosedBy)))
	}
	fmt.Fprintf(b, "- Servers: %d, and %d retired. Open: %d.\n", r.counts.Total(), r.counts.Status[state.StatusRetired], r.counts.Open())
	t := newTable(b, "status", "servers")
	for _, s := range state.Statuses() {
		if n := r.counts.Status[s]; n > 0 {
			t.row(s.String(), fmt.Sprint(n))
		}
	}
}

func (r *reporter) notSeen(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## What could not be seen\n\n")
	if len(r.unseen) == 0 {
		fmt.Fprint(b, "Every server was looked at, answered, and could be judged.\n")
	}
	for _, why := range []string{unseenNever, unseenThrough, unseenOff, unseenAway, unseenUnknown, unseenItems} {
		if s := r.unseen[why]; s != nil {
			slices.Sort(s.names)
			fmt.Fprintf(b, "- %s: %s (%s%s)\n", plural(s.n, "server"), why, mdText(strings.Join(s.names, ", ")), more(s.n-len(s.names)))
		}
	}
	fmt.Fprintf(b, "- Claims of persons that stand, and prove nothing: %d.\n", r.claims)
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(", and %d more in servers.csv", n)
}

// mostDecisions is how many decisions the text has; timeline.csv has all.
const mostDecisions = 2000

func (r *reporter) decided(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## Decisions: who, when, on what\n")
	t := newTable(b, "when", "what", "server", "by", "second person", "on what", "entry")
	for _, h := range r.decisions[:min(len(r.decisions), mostDecisions)] {
		words := h.Words
		if h.Evidence != "" {
			words += ", evidence " + h.Evidence
		}
		t.row(iso(h.At), h.Type, mdText(cmp.Or(h.Server, h.Farm)), mdText(h.By), mdText(string(h.Second)), mdText(words), fmt.Sprint(h.Seq))
	}
	if n := len(r.decisions) - mostDecisions; n > 0 {
		fmt.Fprintf(b, "\nAnd %d more in timeline.csv.\n", n)
	}
}

func (r *reporter) accepted(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## Risks that are accepted now\n\n")
	if len(r.exceptions) == 0 {
		fmt.Fprint(b, "None.\n")
		return
	}
	t := newTable(b, "server", "of what", "until", "why", "by", "second person", "since")
	for _, x := range r.exceptions {
		t.row(mdText(x.Server), mdText(cmp.Or(fewOf(x.Steps, 20), "all that is missing")), iso(x.Expires), mdText(x.Reason), mdText(string(x.By)), mdText(string(x.Second)), iso(x.At))
	}
}

func (r *reporter) stillOpen(b *bytes.Buffer) {
	fmt.Fprint(b, "\n## What is open\n\n")
	r.keepWorst()
	if len(r.open) == 0 {
		fmt.Fprint(b, "Nothing.\n")
		return
	}
	t := newTable(b, "server", "status", "since", "owner", "why")
	for _, s := range r.open {
		t.row(mdText(s.Name), s.Status.String(), iso(s.Since), mdText(cmp.Or(s.Owner, s.Group, "nobody")), mdText(s.Reason))
	}
	if n := r.counts.Open() - len(r.open); n > 0 {
		fmt.Fprintf(b, "\nThe most urgent are listed; %d more are in servers.csv.\n", n)
	}
}

// mostWent is how many lines of the timeline the text has; timeline.csv has all.
const mostWent = 2000

// went is the timeline: an entry of the record in a line or two.
func (r *reporter) went(ctx context.Context, out io.Writer) error {
	fmt.Fprint(out, "\n## How it went\n")
	t := newTable(out, "when", "by", "what", "servers that changed", "entry")
	n, left := 0, 0
	var same []happening
	flush := func() {
		if len(same) == 0 {
			return
		}
		if n++; n > mostWent {
			left++
			return
		}
		t.row(iso(same[0].At), mdText(same[0].actor), mdText(doneWords(same)), mdText(changedWords(same)), fmt.Sprint(same[0].Seq))
	}
	err := r.eachHappening(ctx, func(h happening) error {
		if len(same) > 0 && same[0].Seq != h.Seq {
			flush()
			same = same[:0]
		}
		same = append(same, h)
		return nil
	})
	flush()
	if left > 0 {
		fmt.Fprintf(out, "\nAnd %d more entries in timeline.csv.\n", left)
	}
	return err
}

// doneWords are what was done in one entry, what is alike counted.
func doneWords(hs []happening) string {
	var order []string
	n := map[string]int{}
	for _, h := range hs {
		if h.Type == "status" {
			continue
		}
		what := h.Type
		if !slices.Contains([]string{"evidence", "server put", "approved"}, h.Type) && h.Words != "" {
			what += " (" + checks.Clean(h.Words, 160) + ")"
		}
		if n[what]++; n[what] == 1 {
			order = append(order, what)
		}
	}
	for i, what := range order {
		if n[what] > 1 {
			order[i] = fmt.Sprintf("%s ×%d", what, n[what])
		}
	}
	if len(order) == 0 {
		return "assessed anew"
	}
	return fewOf(order, 6)
}

// changedWords are the changes of status in one entry, by where they went.
func changedWords(hs []happening) string {
	var order []string
	by := map[string][]string{}
	for _, h := range hs {
		if h.Type != "status" {
			continue
		}
		if by[h.To] == nil {
			order = append(order, h.To)
		}
		by[h.To] = append(by[h.To], h.Server)
	}
	var parts []string
	for _, to := range order {
		parts = append(parts, fewOf(by[to], 5)+" → "+to)
	}
	return strings.Join(parts, "; ")
}

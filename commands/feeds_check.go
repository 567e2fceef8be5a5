package commands

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/checks/intake/feeds"
	"github.com/allclear-bot/allclear/checks/playbook"
	"github.com/allclear-bot/allclear/state"
)

// Feeds are the sources that are looked at. The zero value has none.
type Feeds struct {
	Sources []feeds.Source
	Get     func(ctx context.Context, at, mark string, most int) (feeds.Got, error)
}

// said is what a source said last, as far as it is about CVEs of open incidents.
type said struct {
	Mark    string         `json:"mark,omitempty"`
	CVEs    []string       `json:"cves,omitempty"` // that were asked about
	Records []feeds.Record `json:"records,omitempty"`
	Looked  time.Time      `json:"looked,omitzero"`
	Looks   int            `json:"looks,omitempty"` // that were taken in whole
	// Trouble is why the last look failed; what was said before still stands.
	Trouble string `json:"trouble,omitempty"`
}

// looked is what became of a look at one source.
type looked struct {
	source  feeds.Source
	same    bool
	trouble string
	silent  bool   // it says nothing of a CVE of an open incident
	refused string // why what it says was not proposed: it is looked at again
	fresh   []state.Bearing
}

// CheckFeeds looks at every source once, and proposes what bears on an open incident.
// That a source cannot be read is noted, and holds up no other.
func CheckFeeds(ctx context.Context, p Parts, request string) ([]looked, error) {
	w := watcher{p, request}
	open, cves, err := w.open(ctx)
	if err != nil || len(cves) == 0 {
		return nil, err
	}
	var out []looked
	var errs []error
	for _, s := range p.Feeds.Sources {
		for _, one := range s.Expand(cves) {
			l, err := w.look(ctx, one, open, cves)
			if ctx.Err() != nil {
				return out, ctx.Err()
			}
			out, errs = append(out, l), append(errs, err)
		}
	}
	return out, errors.Join(errs...)
}

// watcher looks at sources on one request.
type watcher struct {
	Parts
	request string
}

// open are the open incidents, and all CVEs that they are about.
func (w watcher) open(ctx context.Context) (open []state.Incident, cves []string, err error) {
	heads, err := w.Store.Incidents(ctx)
	for _, h := range heads {
		if !h.Closed.IsZero() {
			continue
		}
		inc, e := w.Store.Incident(ctx, h.ID)
		err = errors.Join(err, e)
		open, cves = append(open, inc), append(cves, inc.Rules.CVEs...)
	}
	slices.Sort(cves)
	return open, slices.Compact(cves), err
}

// look looks at one source. What it says is kept only when all of it was proposed: a
// look that is cut off is made again.
func (w watcher) look(ctx context.Context, s feeds.Source, open []state.Incident, cves []string) (looked, error) {
	out := looked{source: s}
	before, known, err := w.last(ctx, s)
	if err != nil {
		return out, err
	}
	mark := before.Mark
	if !within(cves, before.CVEs) {
		mark = "" // it may say something of those that are new
	}
	now := said{CVEs: cves, Looked: w.Now().UTC(), Looks: before.Looks + 1}
	got, err := w.Feeds.Get(ctx, s.At, mark, s.Kind.Most())
	switch {
	case err == nil && got.Same:
		out.same, now.Mark, now.Records, now.CVEs = true, before.Mark, before.Records, before.CVEs
	case err == nil:
		now.Mark = got.Mark
		now.Records, err = s.Kind.Read(got.Data, cves)
	}
	if err != nil {
		out.trouble = checks.Clean(err.Error(), 200)
		before.Trouble, before.Looked = out.trouble, now.Looked
		return out, w.keep(ctx, s, before)
	}
	out.silent = len(now.Records) == 0
	var changes []feeds.Change
	if known && !out.same {
		changes = feeds.Diff(before.Records, now.Records, both(cves, before.CVEs)...)
	}
	for _, inc := range open {
		b, err := w.bear(ctx, s, inc, before, changes, now.Records)
		var no *state.Refusal
		if errors.As(err, &no) {
			out.refused = no.Why
			break
		}
		if err != nil {
			return out, err
		}
		if b != nil {
			out.fresh = append(out.fresh, *b)
		}
	}
	if out.refused != "" {
		before.Trouble, before.Looked = checks.Clean(out.refused, 200), now.Looked
		now = before
	}
	return out, w.keep(ctx, s, now)
}

func within(list, other []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(other, s) })
}

// both are those of a list that are in another.
func both(list, other []string) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(other, s) })
	if len(out) == 0 {
		return []string{"none"} // and not all
	}
	return out
}

// kept is the name under which it is kept what a source said: by what it was read as.
func kept(s feeds.Source) string { return string(s.Kind) + " " + s.At }

func (w watcher) last(ctx context.Context, source feeds.Source) (said, bool, error) {
	raw, err := w.Store.Feed(ctx, kept(source))
	if err != nil || len(raw) == 0 {
		return said{}, false, err
	}
	var s said
	if err := json.Unmarshal(raw, &s); err != nil {
		return said{}, false, fmt.Errorf("read what %s said: %w", source.At, err)
	}
	return s, len(s.CVEs) > 0, nil
}

func (w watcher) keep(ctx context.Context, source feeds.Source, s said) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("keep what %s said: %w", source.At, err)
	}
	return w.Store.SaveFeed(ctx, kept(source), raw)
}

// bear proposes what a source says of an incident; nil when it says nothing new.
func (w watcher) bear(ctx context.Context, s feeds.Source, inc state.Incident, before said, changes []feeds.Change, records []feeds.Record) (*state.Bearing, error) {
	pb := inForce(w.Load, inc.Rules)
	points, err := w.unheard(ctx, inc, pb, feeds.Bears(pb, changes, records), func(p feeds.Point) bool {
		asked := slices.Contains(before.CVEs, p.CVE)
		return asked && !slices.ContainsFunc(feeds.Beyond(pb, before.Records), func(o feeds.Point) bool { return o.Fact == p.Fact })
	})
	if err != nil || len(points) == 0 {
		return nil, err
	}
	b := state.Bearing{Source: string(s.Kind), TLP: state.TLPClear}
	for _, p := range points {
		b.Lines, b.Facts, b.TLP = append(b.Lines, p.Line), append(b.Facts, p.Fact), min(b.TLP, p.TLP)
		b.Moved = append(b.Moved, p.Moved...)
	}
	b.Key = keyOf(inc, before.Looks, b.Lines)
	if b.Base, b.Playbook, b.Diff, err = onTop(pb, b.Moved); err != nil {
		b.Moved, b.Lines = nil, append(b.Lines, "no revision is proposed: "+checks.Clean(err.Error(), 300))
	}
	var fresh bool
	var saved state.Bearing
	out, err := w.Store.UpdateDesk(ctx, w.work(b.Key), inc.ID, state.DeskNeed{}, func(tx *state.Tx) (err error) {
		saved, fresh, err = tx.Bear(b)
		return err
	})
	if err != nil || !fresh || out.Already {
		return nil, err
	}
	return &saved, nil
}

// onTop is the revision that moves these lines on top of a playbook in force, and what
// it would change.
func onTop(pb playbook.Playbook, moved []state.MovedLine) (base int, text string, diff []string, err error) {
	text, next, err := feeds.Revision(pb.Rules(), moved)
	if err != nil || text == "" {
		return 0, "", nil, err
	}
	return pb.Revision, text, playbook.Diff(pb, next), nil
}

// inForce is the playbook whose rules an incident works with. Where that is none which
// can be loaded, it is what the incident keeps of it: its rules.
func inForce(load loader, r state.Rules) playbook.Playbook {
	pb, err := load(fmt.Sprintf("%s@%d", r.Playbook, r.Revision))
	if err != nil || !sameRules(pb.Rules(), r) {
		return playbook.OfRules(r)
	}
	return pb
}

// sameRules compares rules as they are stored.
func sameRules(a, b state.Rules) bool {
	one, err := json.Marshal(a)
	two, other := json.Marshal(b)
	return err == nil && other == nil && bytes.Equal(one, two)
}

func (w watcher) work(step string) state.Work {
	return state.Work{Request: w.request, Step: "bearing " + step, Via: "feeds", At: w.Now()}
}

// unheard are the points that are proposed. What changed in the document is, unless the
// same waits or was accepted last. What stands in it is proposed once for an incident:
// again only if it was rejected, and the document has said otherwise since, or if it was
// accepted, and the rules in force have a lower fix line by now.
func (w watcher) unheard(ctx context.Context, inc state.Incident, pb playbook.Playbook, news feeds.News, otherwise func(feeds.Point) bool) ([]feeds.Point, error) {
	if len(news.Changed)+len(news.Standing) == 0 {
		return nil, nil
	}
	all, err := w.Store.Bearings(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b state.Bearing) bool { return b.Incident != inc.ID })
	var out []feeds.Point
	for _, p := range news.Changed {
		if last := lastOf(all, p.Fact); last == nil || last.Decided == state.ReportRejected || !slices.Contains(last.Facts, p.Fact) {
			out = append(out, p)
		}
	}
	for _, p := range news.Standing {
		if !heard(all, p.Fact, otherwise(p), raises(pb, p)) {
			out = append(out, p)
		}
	}
	return out, nil
}

// lastOf is the last proposal about what a fact is of; nil: there is none.
func lastOf(all []state.Bearing, f state.Fact) *state.Bearing {
	for i, b := range slices.Backward(all) {
		if slices.ContainsFunc(b.Facts, func(o state.Fact) bool { return o.Of == f.Of }) {
			return &all[i]
		}
	}
	return nil
}

// heard reports whether a fact needs no proposal: the same one waits, or was accepted
// and would move nothing, or was rejected and the document has not said otherwise since.
func heard(all []state.Bearing, f state.Fact, otherwise, raises bool) bool {
	return slices.ContainsFunc(all, func(b state.Bearing) bool {
		again := b.Decided == state.ReportRejected && otherwise || b.Decided == state.ReportAccepted && raises
		return slices.Contains(b.Facts, f) && !again
	})
}

// raises reports whether a revision on top of a playbook can raise the fix line of a point.
func raises(pb playbook.Playbook, p feeds.Point) bool {
	_, text, _, err := onTop(pb, p.Moved)
	return err == nil && text != ""
}

// keyOf names what is said of an incident at one look: one that was cut off and is made
// again finds what it proposed.
func keyOf(inc state.Incident, look int, lines []string) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%s %d %d %s", inc.ID, inc.Rules.Revision, look, strings.Join(lines, "\n"))))
	return hex.EncodeToString(sum[:8])
}

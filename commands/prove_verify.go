package commands

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/allclear-bot/allclear/state"
)

// MaxProof is how large a proof may be, in bytes.
const MaxProof = 256 << 20

// Proved is what a proof was found to show.
type Proved struct {
	Incident, Farm, Playbook string
	Revision                 int
	Servers                  []state.ServerAssessment
	// Entries of the record, and how many of them are shown.
	Entries int64
	Shown   int
	// Evidence that is in it.
	Evidence int
	Heads    map[int]string
	Made     string
}

// VerifyProof checks a proof without a store: that no byte of it was changed; that
// its entries stand in the chain of the record, none left out, put in or moved; that
// every status in it, and what it states at the end, is what the rules in force make of
// the evidence that it shows. That what is hidden by its hash is about other farms it
// cannot check. The error names the place.
func VerifyProof(r io.Reader) (Proved, error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxProof+1))
	if err != nil {
		return Proved{}, fmt.Errorf("read the proof: %w", err)
	}
	if len(raw) > MaxProof {
		return Proved{}, fmt.Errorf("it is larger than %d MiB", MaxProof>>20)
	}
	lines, text, err := unzipProof(raw)
	if err != nil {
		return Proved{}, err
	}
	c := proofChecker{text: text}
	n := 0
	for line := range bytes.Lines(lines) {
		n++
		if err := c.line(line); err != nil {
			return Proved{}, fmt.Errorf("%s, line %d: %w", proofLines, n, err)
		}
	}
	if c.stated == nil {
		return Proved{}, fmt.Errorf("%s, line %d: it ends here, before what it states; it was cut off", proofLines, n)
	}
	again, err := zipProof(lines, text)
	if err != nil {
		return Proved{}, err
	}
	if i := firstDifference(again, raw); i >= 0 {
		return Proved{}, fmt.Errorf("byte %d: the archive around the files was changed", i)
	}
	return c.proved(), nil
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) != len(b) {
		return min(len(a), len(b))
	}
	return -1
}

type proofChecker struct {
	p      *proof
	sum    string
	text   []byte
	stated *proofStated
}

func (c *proofChecker) line(raw []byte) error {
	var l proofLine
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return fmt.Errorf("it was changed, or cut off: %w", err)
	}
	sum, err := l.sumAfter(c.sum)
	if err != nil {
		return err
	}
	whole, err := json.Marshal(l)
	if err != nil || !bytes.Equal(append(whole, '\n'), raw) || sum != l.Sum {
		return errors.New("it was changed, or lines before it were changed, left out or moved" + l.about())
	}
	c.sum = sum
	switch {
	case c.stated != nil:
		return errors.New("there is more behind the end")
	case c.p == nil && l.Head == nil, c.p != nil && l.Head != nil:
		return errors.New("a proof begins with one head")
	case l.Head != nil:
		if l.Head.Format != ProofFormat {
			return fmt.Errorf("its format is %.40q, not %s", l.Head.Format, ProofFormat)
		}
		c.p = newProof(*l.Head)
	case l.Link != nil:
		if err := c.next(l.Link.Seq); err != nil {
			return err
		}
		c.p.link(l.Link.Lane, l.Link.Body)
	case l.Entry != nil:
		return c.entry(*l.Entry)
	case l.Whole != nil:
		return c.whole(*l.Whole)
	case l.Stated != nil:
		return c.end(*l.Stated)
	default:
		return errors.New("it says nothing")
	}
	return nil
}

// about names the entry of a line.
func (l proofLine) about() string {
	switch {
	case l.Entry != nil:
		return fmt.Sprintf(" (entry %d of the record)", l.Entry.Seq)
	case l.Link != nil:
		return fmt.Sprintf(" (entry %d of the record)", l.Link.Seq)
	case l.Whole != nil:
		return fmt.Sprintf(" (entry %d of the record)", l.Whole.Seq)
	}
	return ""
}

// next wants the entries in their order.
func (c *proofChecker) next(seq int64) error {
	if seq != c.p.seq+1 {
		return fmt.Errorf("entry %d of the record follows entry %d: entries were left out or moved", seq, c.p.seq)
	}
	c.p.seq = seq
	return nil
}

func (c *proofChecker) entry(e proofEntry) error {
	if err := c.next(e.Seq); err != nil {
		return err
	}
	if c.p.link(e.Lane, e.Content()) != e.Hash {
		return fmt.Errorf("entry %d of the record was changed, or does not follow those before it in lane %d", e.Seq, e.Lane)
	}
	c.p.shown++
	return c.p.learn(e.Shown())
}

func (c *proofChecker) whole(e state.AuditEntry) error {
	if err := c.next(e.Seq); err != nil {
		return err
	}
	h := c.p.heads[e.Lane]
	if e.Body != "" || !e.Whole() || e.N != h.n+1 || e.Prev != h.hash {
		return fmt.Errorf("entry %d of the record was changed, or does not follow those before it in lane %d", e.Seq, e.Lane)
	}
	c.p.heads[e.Lane] = laneHead{e.N, e.Hash}
	c.p.shown++
	return c.p.learn(e)
}

func (c *proofChecker) end(s proofStated) error {
	if made := c.p.head.Made; c.p.newest.After(made.Add(clocksApart)) {
		return fmt.Errorf("it says that it was made %s, but shows what was recorded %s: what came after it was made would not count", momentOf(made), momentOf(c.p.newest))
	}
	want, text, err := c.p.stated()
	if err != nil {
		return err
	}
	for i, a := range want.Servers {
		if i >= len(s.Servers) || s.Servers[i].Name != a.Name {
			return fmt.Errorf("%s is left out of what is stated", a.Name)
		}
		if b := s.Servers[i]; b.Status != a.Status {
			return fmt.Errorf("it states that %s is %s; by revision %d of %s the evidence makes it %s", a.Name, b.Status, want.Revision, want.Playbook, a.Status)
		} else if !sameJSON(a, b) {
			return fmt.Errorf("what it states of %s is not what the evidence gives: %s", a.Name, stepThatDiffers(a, b))
		}
	}
	switch {
	case len(s.Servers) != len(want.Servers):
		return fmt.Errorf("it states something of %d servers, the evidence is about %d", len(s.Servers), len(want.Servers))
	case s.Rules != want.Rules || s.Playbook != want.Playbook || s.Revision != want.Revision:
		return fmt.Errorf("the rules that it names are not those of revision %d of %s, which was in force", want.Revision, want.Playbook)
	case s.Entries != want.Entries || !maps.Equal(s.Heads, want.Heads):
		return errors.New("the chain of the record does not end with the entries that it names: entries before it were changed, left out or moved")
	case s.Text != want.Text || !bytes.Equal(text, c.text):
		return fmt.Errorf("%s is not what this program writes of this evidence: it was changed, or made by another version", proofText)
	}
	c.stated = &s
	return nil
}

func sameJSON(a, b any) bool {
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

func stepThatDiffers(a, b state.ServerAssessment) string {
	for i, st := range a.Steps {
		if i >= len(b.Steps) || !sameJSON(st, b.Steps[i]) {
			return "step " + st.Step
		}
	}
	return "beside its steps"
}

func (c *proofChecker) proved() Proved {
	return Proved{
		Incident: c.p.head.Incident, Farm: c.p.head.Farm, Playbook: c.stated.Playbook, Revision: c.stated.Revision, Servers: c.stated.Servers,
		Entries: c.p.seq, Shown: c.p.shown, Evidence: len(c.p.all), Heads: c.stated.Heads, Made: momentOf(c.p.head.Made),
	}
}

// Lines say what a proof shows, for people.
func (p Proved) Lines() []string {
	out := []string{fmt.Sprintf("The proof is whole: %d entries of the record, %d of them with what is about farm %s of %s, %s; made %s.",
		p.Entries, p.Shown, p.Farm, p.Incident, pieces(p.Evidence), p.Made)}
	if n := p.Entries - int64(p.Shown); n > 0 {
		out = append(out, fmt.Sprintf("Of the other %d, and of what is hidden in those, only hashes are shown: that nothing of it is about farm %s, the one who made it says.", n, p.Farm))
	}
	for _, s := range p.Servers {
		out = append(out, fmt.Sprintf("By revision %d of %s, %s is %s: %d of %d steps proved.", p.Revision, p.Playbook, s.Name, s.Status, len(s.Steps)-len(s.Missing()), len(s.Steps)))
	}
	for _, lane := range slices.Sorted(maps.Keys(p.Heads)) {
		out = append(out, fmt.Sprintf("It ends at entry %d; newest entry of lane %d: %s", p.Entries, lane, p.Heads[lane]))
	}
	return append(out, "That it is the record of the store shows when these hashes are among those of the store: audit verify, or an export of then.")
}

func pieces(n int) string {
	if n == 1 {
		return "1 piece of evidence"
	}
	return fmt.Sprintf("%d pieces of evidence", n)
}

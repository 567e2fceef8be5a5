package commands

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/allclear-bot/allclear/state"
)

// ProofFormat names the format of the lines of a proof.
const ProofFormat = "allclear/proof/1"

// The files in a proof.
const (
	proofLines = "proof.jsonl"
	proofText  = "proof.md"
)

// proofLine is one line of a proof: exactly one of its parts, and the hash over it and
// all lines before it.
type proofLine struct {
	Head *proofHead `json:"head,omitempty"`
	// Link is an entry of the record that says nothing about the farm: its place in
	// the chain only.
	Link *proofLink `json:"link,omitempty"`
	// Entry is an entry of the record, of which what is about the farm is shown.
	Entry *proofEntry `json:"entry,omitempty"`
	// Whole is an entry that can only be checked whole.
	Whole  *state.AuditEntry `json:"whole,omitempty"`
	Stated *proofStated      `json:"stated,omitempty"`
	Sum    string            `json:"sum"`
}

// proofHead begins a proof.
type proofHead struct {
	Format   string    `json:"format"`
	Incident string    `json:"incident"`
	Farm     string    `json:"farm"`
	Servers  []string  `json:"servers,omitempty"` // of which the proof is; empty: all of the farm
	Made     time.Time `json:"made"`
	TLP      state.TLP `json:"tlp"`
}

type proofLink struct {
	Seq  int64  `json:"seq"`
	Lane int    `json:"lane"`
	Body string `json:"body"`
}

type proofEntry struct {
	state.CutEntry
	Hash string `json:"hash"`
}

// proofStated is what the evidence amounts to, at the moment of the proof.
type proofStated struct {
	Playbook string                   `json:"playbook"`
	Revision int                      `json:"revision"`
	Rules    string                   `json:"rules"` // SHA-256
	Servers  []state.ServerAssessment `json:"servers"`
	Entries  int64                    `json:"entries"`
	Heads    map[int]string           `json:"heads"` // hash of the newest entry of each lane
	Text     string                   `json:"text"`  // SHA-256 of proof.md
}

// proof is what is learnt while the record goes by: when it is written, and when it
// is checked.
type proof struct {
	head     proofHead
	past     *state.Past
	servers  map[string]bool // of the farm
	entryOf  map[string]int64
	all      map[string]state.Evidence // by id, whether it counts still or not
	timeline []proofChange
	heads    map[int]laneHead
	seq      int64
	shown    int
	newest   time.Time // of the entries that are shown
}

type laneHead struct {
	n    int64
	hash string
}

type proofChange struct {
	seq int64
	at  time.Time
	by  state.PersonID
	state.Transition
}

func newProof(h proofHead) *proof {
	return &proof{
		head: h, past: state.NewPast(h.Incident, func(f string) bool { return f == h.Farm }), servers: map[string]bool{},
		entryOf: map[string]int64{}, all: map[string]state.Evidence{}, heads: map[int]laneHead{},
	}
}

// cut shows of an entry what the proof needs. Nothing shown: it says nothing about the farm.
func (p *proof) cut(e state.AuditEntry) (c state.CutEntry, shows bool) {
	for _, ev := range e.Events {
		if ev.Type == "server put" && ev.Farm == p.head.Farm && e.Incident == p.head.Incident {
			p.servers[ev.Server] = true
		}
	}
	c = e.Cut(func(ev state.Event) bool {
		ok := e.Incident == p.head.Incident && state.Tells(ev) && (ev.Farm == p.head.Farm || ev.Farm == "" && ev.Type != "proposed")
		shows = shows || ok
		return ok
	}, func(t state.Transition) bool {
		ok := e.Incident == p.head.Incident && p.servers[t.Server]
		shows = shows || ok
		return ok
	})
	return c, shows
}

// learn takes in what is shown of an entry, and checks that what it says follows.
func (p *proof) learn(e state.AuditEntry) error {
	if e.Incident != p.head.Incident {
		return nil
	}
	closed := !p.past.Incident.Closed.IsZero()
	if err := p.past.Apply(e); err != nil {
		return err
	}
	if e.At.After(p.newest) {
		p.newest = e.At
	}
	for _, ev := range e.Events {
		if ev.Type != "evidence" || ev.Farm != p.head.Farm {
			continue
		}
		var x state.Evidence
		if err := json.Unmarshal(ev.Data, &x); err != nil {
			return fmt.Errorf("audit entry %d: %w", e.Seq, err)
		}
		if x.ID != x.NewID() {
			return fmt.Errorf("audit entry %d: evidence %s is not what its id was made of", e.Seq, x.ID)
		}
		p.entryOf[x.ID], p.all[x.ID] = e.Seq, x
	}
	for _, t := range e.Changes {
		if p.past.Rows[t.Server].Farm == p.head.Farm {
			p.timeline = append(p.timeline, proofChange{e.Seq, e.At, e.By, t})
		}
	}
	return p.past.Follows(e, closed)
}

// link adds an entry to the chain of its lane.
func (p *proof) link(lane int, body string) string {
	h := p.heads[lane]
	h = laneHead{h.n + 1, state.LinkHash(lane, h.n+1, h.hash, body)}
	p.heads[lane] = h
	return h.hash
}

// assess is what the rules make of the evidence at the moment of the proof.
func (p *proof) assess() (state.FarmState, []state.ServerAssessment, error) {
	f, ok := p.past.Farm(p.head.Farm)
	if !ok {
		return f, nil, fmt.Errorf("farm %q of %s: %w", p.head.Farm, p.head.Incident, state.ErrNotFound)
	}
	a := f.Assess(p.past.Incident.Rules, p.head.Made)
	if len(p.head.Servers) == 0 {
		return f, a.Servers, nil
	}
	return f, slices.DeleteFunc(a.Servers, func(s state.ServerAssessment) bool { return !slices.Contains(p.head.Servers, s.Name) }), nil
}

// stated is the last line of the proof, with the text that people read.
func (p *proof) stated() (proofStated, []byte, error) {
	f, servers, err := p.assess()
	if err != nil {
		return proofStated{}, nil, err
	}
	rules := p.past.Incident.Rules
	raw, err := json.Marshal(rules)
	if err != nil {
		return proofStated{}, nil, fmt.Errorf("write the rules: %w", err)
	}
	s := proofStated{Playbook: rules.Playbook, Revision: rules.Revision, Rules: hexSum(raw), Servers: servers, Entries: p.seq, Heads: map[int]string{}}
	for lane, h := range p.heads {
		s.Heads[lane] = h.hash
	}
	text := p.text(f, s)
	s.Text = hexSum(text)
	return s, text, nil
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// proofWriter writes lines, each with the hash over all up to it.
type proofWriter struct {
	w   bytes.Buffer
	sum string
}

func (w *proofWriter) add(l proofLine) error {
	sum, err := l.sumAfter(w.sum)
	if err != nil {
		return err
	}
	w.sum, l.Sum = sum, sum
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write a proof: %w", err)
	}
	w.w.Write(append(raw, '\n'))
	return nil
}

// sumAfter is the hash over a line behind another.
func (l proofLine) sumAfter(prev string) (string, error) {
	l.Sum = ""
	raw, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("write a proof: %w", err)
	}
	return hexSum(append([]byte(prev), raw...))[:32], nil
}

// makeProof makes the proof of servers of a farm (none named: of all of them) from the
// record. What the record gives and what the store keeps must be the same.
func makeProof(ctx context.Context, s pastStore, incident, farm string, servers []string, now time.Time) (*proof, []byte, error) {
	p := newProof(proofHead{Format: ProofFormat, Incident: incident, Farm: farm, Servers: servers, Made: now.UTC().Round(0), TLP: state.TLPAmberStrict})
	var w proofWriter
	if err := w.add(proofLine{Head: &p.head}); err != nil {
		return nil, nil, err
	}
	err := eachEntry(ctx, s, 1, 0, func(e state.AuditEntry) error { return p.write(&w, e) })
	if err != nil {
		return nil, nil, err
	}
	if err := p.compare(ctx, s); err != nil {
		return nil, nil, err
	}
	stated, text, err := p.stated()
	if err != nil {
		return nil, nil, err
	}
	if err := w.add(proofLine{Stated: &stated}); err != nil {
		return nil, nil, err
	}
	raw, err := zipProof(w.w.Bytes(), text)
	return p, raw, err
}

func (p *proof) write(w *proofWriter, e state.AuditEntry) error {
	if h := p.heads[e.Lane]; e.Prev != h.hash || e.N != h.n+1 {
		return fmt.Errorf("the record is broken: entry %d does not follow those before it; see audit verify", e.Seq)
	}
	p.seq = e.Seq
	if e.Body == "" { // of before entries could be shown in part
		p.heads[e.Lane] = laneHead{e.N, e.Hash}
		p.shown++
		if err := p.learn(e); err != nil {
			return err
		}
		return w.add(proofLine{Whole: &e})
	}
	if p.link(e.Lane, e.Body) != e.Hash {
		return fmt.Errorf("the record is broken: entry %d was changed; see audit verify", e.Seq)
	}
	c, shows := p.cut(e)
	if !shows {
		return w.add(proofLine{Link: &proofLink{e.Seq, e.Lane, e.Body}})
	}
	p.shown++
	if err := p.learn(c.Shown()); err != nil {
		return err
	}
	return w.add(proofLine{Entry: &proofEntry{c, e.Hash}})
}

// compare holds what the record gives against what the store keeps.
func (p *proof) compare(ctx context.Context, s pastStore) error {
	inc, err := s.Incident(ctx, p.head.Incident)
	if err != nil {
		return err
	}
	kept, err := s.Farm(ctx, p.head.Incident, p.head.Farm)
	if err != nil {
		return err
	}
	_, servers, err := p.assess()
	if err != nil {
		return err
	}
	now := kept.Assess(inc.Rules, p.head.Made)
	for _, a := range servers {
		if b, _ := now.Server(a.Name); b.Status != a.Status {
			if seq, err := s.AuditSeq(ctx); err == nil && seq != p.seq {
				return &state.Refusal{Why: "Something was changed while the proof was made.", Next: "Ask again."}
			}
			return fmt.Errorf("the record makes %s %s, the store says %s: check it with audit verify", a.Name, a.Status, b.Status)
		}
	}
	return nil
}

// zipProof puts the two files together; the same files give the same bytes.
func zipProof(lines, text []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct {
		name string
		data []byte
	}{{proofText, text}, {proofLines, lines}} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			return nil, fmt.Errorf("write a proof: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write a proof: %w", err)
	}
	return b.Bytes(), nil
}

// unzipProof takes the two files apart again, and nothing else.
func unzipProof(raw []byte) (lines, text []byte, err error) {
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, nil, fmt.Errorf("it is no proof, or was changed or cut off: %w", err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if f.Method != zip.Store || f.UncompressedSize64 > uint64(len(raw)) || len(z.File) != 2 {
			return nil, nil, fmt.Errorf("it is no proof, or was changed: %.40q in it is not as allclear writes it", f.Name)
		}
		data, err := readAll(f)
		if err != nil {
			return nil, nil, fmt.Errorf("%.40s was changed: %w", f.Name, err)
		}
		files[f.Name] = data
	}
	if files[proofLines] == nil || files[proofText] == nil {
		return nil, nil, fmt.Errorf("it is no proof: it holds %.80q instead of %s and %s", slices.Sorted(maps.Keys(files)), proofText, proofLines)
	}
	return files[proofLines], files[proofText], nil
}

func readAll(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, MaxProof))
}

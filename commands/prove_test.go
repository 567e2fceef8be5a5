package commands

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

func made(t *testing.T, w *world, farm string, servers ...string) []byte {
	t.Helper()
	_, raw, err := makeProof(t.Context(), w.store, "toolshell-1", farm, servers, w.clock())
	require.NoError(t, err)
	return raw
}

func TestAProofTellsWhatDecidedEachStepAndIsCheckedOffline(t *testing.T) {
	t.Parallel()
	w := july(t)
	w.wait(time.Minute)
	m, err := prove{w.store, w.clock}.Run(t.Context(), proveCall(t, w, "sp-1"))
	require.NoError(t, err)
	text := words(m)
	for _, want := range []string{
		"Proof of sp-1 · revision 1 of toolshell", "● sp-1 confirmed: ", "package = 16.0.10417.20027", "collector, seen 2025-07-22T09:00:00Z", ", entry ",
		"Confirmed 09:00 by lead-1 and lead-2", "allclear audit verify proof-toolshell-1-sp-1-20250722T090100Z.zip",
	} {
		require.Contains(t, text, want)
	}
	file := fileIn(t, m)
	require.Equal(t, state.TLPAmberStrict, file.TLP)
	got, err := VerifyProof(bytes.NewReader(file.Data))
	require.NoError(t, err)
	require.Equal(t, state.StatusConfirmed, got.Servers[0].Status)
	require.Equal(t, "fin", got.Farm)
	require.Contains(t, strings.Join(got.Lines(), "\n"), "By revision 1 of toolshell, sp-1 is confirmed")
	require.Contains(t, strings.Join(got.Lines(), "\n"), "that nothing of it is about farm fin, the one who made it says")
	lines, md, err := unzipProof(file.Data)
	require.NoError(t, err)
	for _, other := range []string{"sp-2", "sp-3", `"hr"`, `"lab"`} {
		require.NotContains(t, string(lines), other, "what is about other farms is hidden")
		require.NotContains(t, string(md), other)
	}
	require.Contains(t, string(md), "# Proof: sp-1")
	require.Contains(t, string(md), "was confirmed 2025-07-22T09:00:00Z by lead-1 and lead-2")
	require.Equal(t, file.Data, made(t, w, "fin", "sp-1"), "the same record and moment give the same bytes")
}

func proveCall(t *testing.T, w *world, args ...string) chat.Call {
	t.Helper()
	values, err := chat.Parse(prove{}.Spec(), args, nil)
	require.NoError(t, err)
	return chat.Call{Values: values, Incident: "toolshell-1"}
}

func TestAProofTellsWhatWasAttested(t *testing.T) {
	t.Parallel()
	w := july(t)
	w.change(t, "lead-1", "fin", func(tx *state.Tx) error {
		return tx.Propose(state.Proposal{ID: "a1", Kind: state.ProposeAttest, Server: "sp-1", Evidence: &state.Evidence{
			Subject: state.Subject{Server: "sp-1"}, Kind: state.KindStale, Value: "16.0.10416", Source: state.SourceAttestation, Observed: w.clock(), Reference: "CHG-9",
		}})
	})
	w.change(t, "lead-2", "fin", func(tx *state.Tx) error { _, err := tx.Approve("a1"); return err })
	_, md, err := unzipProof(made(t, w, "fin", "sp-1"))
	require.NoError(t, err)
	require.Contains(t, string(md), "- stale = 16.0.10416 of sp-1 was attested 2025-07-22T09:00:00Z by lead-1 and lead-2, CHG-9")
}

func TestAProofOfAFarmHasAllItsServers(t *testing.T) {
	t.Parallel()
	w := opened(t, 2, "name,farm\nsp-1,fin\nsp-2,fin\n")
	w.remediate(t, "fin", fixed2019, "sp-1", "sp-2")
	m, err := prove{w.store, w.clock}.Run(t.Context(), proveCall(t, w, "--farm", "fin"))
	require.NoError(t, err)
	got, err := VerifyProof(bytes.NewReader(fileIn(t, m).Data))
	require.NoError(t, err)
	require.Len(t, got.Servers, 2)
	_, err = prove{w.store, w.clock}.Run(t.Context(), proveCall(t, w, "--farm", "fin", "sp-1"))
	require.ErrorContains(t, err, "Name a server, or a farm")
	_, err = prove{pruned{w.store}, w.clock}.Run(t.Context(), proveCall(t, w, "sp-1"))
	require.ErrorContains(t, err, "no proof without the whole record")
}

// reseal writes lines again with hashes that fit, as a forger would.
func reseal(t require.TestingT, lines []proofLine, text []byte) []byte {
	var w proofWriter
	for _, l := range lines {
		require.NoError(t, w.add(l))
	}
	raw, err := zipProof(w.w.Bytes(), text)
	require.NoError(t, err)
	return raw
}

func parsed(t require.TestingT, raw []byte) ([]proofLine, []byte) {
	lines, text, err := unzipProof(raw)
	require.NoError(t, err)
	var out []proofLine
	for line := range bytes.Lines(lines) {
		var l proofLine
		require.NoError(t, json.Unmarshal(line, &l))
		out = append(out, l)
	}
	return out, text
}

func TestAForgedProofIsRefusedWithThePlaceNamed(t *testing.T) {
	t.Parallel()
	w := july(t)
	raw := made(t, w, "fin", "sp-1")
	at := func(lines []proofLine, typ string) int {
		return slices.IndexFunc(lines, func(l proofLine) bool {
			return l.Entry != nil && slices.ContainsFunc(l.Entry.Events, func(p state.CutPart) bool { return p.Event != nil && p.Event.Type == typ })
		})
	}
	for name, c := range map[string]struct {
		forge func(ls []proofLine) []proofLine
		want  string
	}{
		"an entry is left out": {func(ls []proofLine) []proofLine { i := at(ls, "evidence"); return slices.Delete(ls, i, i+1) }, "entries were left out or moved"},
		"entries change places": {func(ls []proofLine) []proofLine {
			i := at(ls, "evidence")
			ls[i], ls[i+1] = ls[i+1], ls[i]
			return ls
		}, "entries were left out or moved"},
		"one is left out and the others renumbered": {func(ls []proofLine) []proofLine {
			i := at(ls, "evidence")
			for _, l := range ls[i+1:] {
				switch {
				case l.Entry != nil:
					l.Entry.Seq--
				case l.Link != nil:
					l.Link.Seq--
				}
			}
			return slices.Delete(ls, i, i+1)
		}, "does not follow those before it in lane"},
		"evidence is changed": {func(ls []proofLine) []proofLine {
			for _, l := range ls[at(ls, "evidence"):] {
				if l.Entry != nil {
					for _, p := range l.Entry.Events {
						if p.Event != nil {
							p.Event.Data = bytes.Replace(p.Event.Data, []byte("16.0.10417.20027"), []byte("16.0.10417.20037"), 1)
						}
					}
				}
			}
			return ls
		}, "was changed, or does not follow"},
		"another status is stated": {func(ls []proofLine) []proofLine {
			ls[len(ls)-1].Stated.Servers[0].Status = state.StatusReady
			return ls
		}, "it states that sp-1 is ready; by revision 1 of toolshell the evidence makes it confirmed"},
		"another step is stated": {func(ls []proofLine) []proofLine {
			ls[len(ls)-1].Stated.Servers[0].Steps[1].Observed = morning.Add(time.Hour)
			return ls
		}, "what it states of sp-1 is not what the evidence gives: step "},
		"other rules are stated": {func(ls []proofLine) []proofLine { ls[len(ls)-1].Stated.Revision = 2; return ls }, "are not those of revision 1"},
		"the end is cut off":     {func(ls []proofLine) []proofLine { return ls[:len(ls)-1] }, "it ends here"},
		"more is put behind it":  {func(ls []proofLine) []proofLine { return append(ls, ls[1]) }, "there is more behind the end"},
		"the head is another": {func(ls []proofLine) []proofLine {
			ls[0].Head.Made = ls[0].Head.Made.Add(time.Hour * 24 * 90)
			return ls
		}, "it states that sp-1 is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines, text := parsed(t, raw)
			_, err := VerifyProof(bytes.NewReader(reseal(t, c.forge(lines), text)))
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "proof.jsonl, line ")
		})
	}
	t.Run("the text is another", func(t *testing.T) {
		t.Parallel()
		lines, text := parsed(t, raw)
		text = bytes.Replace(text, []byte("confirmed"), []byte("excepted!"), 1)
		lines[len(lines)-1].Stated.Text = hexSum(text)
		_, err := VerifyProof(bytes.NewReader(reseal(t, lines, text)))
		require.ErrorContains(t, err, "proof.md is not what this program writes")
	})
	t.Run("a chain that was made anew does not make a status true", func(t *testing.T) {
		t.Parallel()
		lines, text := parsed(t, raw)
		forged := false
		for _, l := range lines {
			if l.Entry == nil {
				continue
			}
			for _, p := range l.Entry.Changes {
				if p.Change != nil && p.Change.To == state.StatusReady && !forged {
					p.Change.To, forged = state.StatusConfirmed, true
				}
			}
		}
		require.True(t, forged)
		heads := map[int]laneHead{}
		for _, l := range lines {
			lane, body := 0, ""
			switch {
			case l.Entry != nil:
				lane, body = l.Entry.Lane, l.Entry.Content()
			case l.Link != nil:
				lane, body = l.Link.Lane, l.Link.Body
			default:
				continue
			}
			h := heads[lane]
			heads[lane] = laneHead{h.n + 1, state.LinkHash(lane, h.n+1, h.hash, body)}
			if l.Entry != nil {
				l.Entry.Hash = heads[lane].hash
			}
		}
		_, err := VerifyProof(bytes.NewReader(reseal(t, lines, text)))
		require.ErrorContains(t, err, "it makes sp-1 confirmed, but by revision 1 of toolshell the evidence up to then makes it ready")
	})
}

func TestAProofThatIsDatedBackIsRefused(t *testing.T) {
	t.Parallel()
	w := july(t)
	before := w.clock().Add(time.Minute)
	w.wait(48 * time.Hour)
	w.remediate(t, "fin", fixed2019, "sp-1")
	lines, _ := parsed(t, made(t, w, "fin", "sp-1"))
	lines[0].Head.Made = before
	c := proofChecker{p: newProof(*lines[0].Head)}
	for _, l := range lines[1 : len(lines)-1] { // what it states is made anew for that time
		switch {
		case l.Link != nil:
			require.NoError(t, c.next(l.Link.Seq))
			c.p.link(l.Link.Lane, l.Link.Body)
		case l.Entry != nil:
			require.NoError(t, c.entry(*l.Entry))
		}
	}
	stated, text, err := c.p.stated()
	require.NoError(t, err)
	lines[len(lines)-1].Stated = &stated
	_, err = VerifyProof(bytes.NewReader(reseal(t, lines, text)))
	require.ErrorContains(t, err, "it says that it was made 22 Jul 2025")
}

func TestAProofWithAByteChangedIsRefused(t *testing.T) {
	t.Parallel()
	w := july(t)
	raw := made(t, w, "fin", "sp-1")
	r := rand.New(rand.NewPCG(1, 2))
	places := []int{0, 10, 28, 29, len(raw) - 1, len(raw) - 20, len(raw) - 60, len(raw) - 100}
	for range 40 {
		places = append(places, r.IntN(len(raw)))
	}
	for _, i := range places {
		other := slices.Clone(raw)
		other[i] ^= byte(1 + r.IntN(255))
		_, err := VerifyProof(bytes.NewReader(other))
		require.Error(t, err, "byte %d", i)
		_, err = VerifyProof(bytes.NewReader(raw[:i]))
		require.Error(t, err, "cut off at %d", i)
	}
}

// histories are random ones, each with its own source.
func histories(t *testing.T, n int, of func(t *testing.T, r *rand.Rand)) {
	t.Helper()
	for seed := range n {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			of(t, rand.New(rand.NewPCG(uint64(seed), 7)))
		})
	}
}

// somethingHappens to an incident of the servers sp-1 and sp-2 of the farm fin, and sp-3 of lab.
func (w *world) somethingHappens(t *testing.T, r *rand.Rand) {
	t.Helper()
	w.wait(time.Duration(1+r.IntN(60*24*20)) * time.Minute)
	switch r.IntN(7) {
	case 0:
		w.remediate(t, "fin", july2019, "sp-1", "sp-2")
	case 1:
		w.remediate(t, "fin", fixed2019, "sp-1")
	case 2:
		w.remediate(t, "lab", fixed2019, "sp-3")
	case 3:
		_, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
		require.NoError(t, err)
		for _, s := range [][2]string{{"sp-1", "fin"}, {"sp-2", "fin"}, {"sp-3", "lab"}} {
			if w.row(t, s[0]).Status == state.StatusReady {
				w.confirm(t, s[1], s[0])
			}
		}
	case 4:
		if inc, err := w.store.Incident(t.Context(), "toolshell-1"); err == nil && inc.Rules.Revision == 1 {
			w.run(t, "lead-1", "playbook revise toolshell --apply "+shownHash(t, w, "toolshell"))
		}
	case 5:
		w.run(t, "lead-1", fmt.Sprintf("server add sp-x%d --farm fin", w.count))
	case 6:
		_, err := Sweep(t.Context(), w.store, "toolshell-1", w.clock())
		require.NoError(t, err)
	}
}

func TestWhateverHappenedItsProofHoldsAndIsNoOther(t *testing.T) {
	t.Parallel()
	histories(t, 12, func(t *testing.T, r *rand.Rand) {
		w := opened(t, 1, "name,farm,owner\nsp-1,fin,alice\nsp-2,fin,bob\nsp-3,lab,bob\n")
		for range 1 + r.IntN(8) {
			w.somethingHappens(t, r)
		}
		raw := made(t, w, "fin")
		got, err := VerifyProof(bytes.NewReader(raw))
		require.NoError(t, err)
		kept, err := w.store.Farm(t.Context(), "toolshell-1", "fin")
		require.NoError(t, err)
		inc, err := w.store.Incident(t.Context(), "toolshell-1")
		require.NoError(t, err)
		require.True(t, sameJSON(kept.Assess(inc.Rules, w.clock()).Servers, got.Servers))
		lines, text := parsed(t, raw)
		for range 5 {
			i, j := 1+r.IntN(len(lines)-2), 1+r.IntN(len(lines)-2)
			_, err = VerifyProof(bytes.NewReader(reseal(t, slices.Delete(slices.Clone(lines), i, i+1), text)))
			require.Error(t, err)
			if other := slices.Clone(lines); i != j {
				other[i], other[j] = other[j], other[i]
				_, err = VerifyProof(bytes.NewReader(reseal(t, other, text)))
				require.Error(t, err)
			}
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte(`{"head":{"format":"allclear/proof/1"}}`))
	f.Fuzz(func(_ *testing.T, lines []byte) {
		raw, err := zipProof(lines, []byte("# text\n"))
		if err != nil {
			return
		}
		_, _ = VerifyProof(bytes.NewReader(raw))
		_, _ = VerifyProof(bytes.NewReader(lines))
	})
}

func TestAProofSaysThatAConfirmationIsNotInForceAnyMore(t *testing.T) {
	t.Parallel()
	w := july(t)
	_, md, err := unzipProof(made(t, w, "fin", "sp-1"))
	require.NoError(t, err)
	require.NotContains(t, string(md), "not in force")
	w.wait(40 * 24 * time.Hour) // what proved it has grown too old
	_, md, err = unzipProof(made(t, w, "fin", "sp-1"))
	require.NoError(t, err)
	require.Contains(t, string(md), "; not in force: the facts are others now")
}

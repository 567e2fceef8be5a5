package feeds

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gocsaf/csaf/v3/csaf"

	"github.com/allclear-bot/allclear/checks"
	"github.com/allclear-bot/allclear/state"
)

// Publisher is who an exported document is from.
type Publisher struct {
	Name      string
	Namespace string // a URL of theirs
}

// object is a JSON object in the making.
type object = map[string]any

// labels are the markings that CSAF 2.0 has a name for; of AMBER+STRICT it has none,
// and AMBER would let it go further.
func label(t state.TLP) (string, bool) {
	l, ok := map[state.TLP]string{state.TLPClear: "WHITE", state.TLPGreen: "GREEN", state.TLPAmber: "AMBER", state.TLPRed: "RED"}[t]
	return l, ok
}

// writeCSAF writes a text as a CSAF 2.0 document, and holds it against the schema and
// the model before anybody gets it.
func writeCSAF(a state.Advisory, t state.AdvisoryText, tlp state.TLP, from Publisher, now time.Time) ([]byte, error) {
	tlpLabel, ok := label(tlp)
	if !ok {
		return nil, fmt.Errorf("CSAF 2.0 has no name for %s, which something in it is marked", tlp)
	}
	document := object{
		"category": "csaf_base", "csaf_version": "2.0", "lang": "en", "title": line1(withdrawnWord(a) + t.Title),
		"distribution": object{"tlp": object{"label": tlpLabel, "url": "https://www.first.org/tlp/"}},
		"publisher": object{
			"category": "other", "name": cmp.Or(from.Name, "allclear"),
			"namespace": cmp.Or(from.Namespace, "https://github.com/allclear-bot/allclear"),
		},
		"tracking": tracking(a, t, tlp, now),
	}
	if notes := notesOf(t); len(notes) > 0 {
		document["notes"] = notes
	}
	if refs := referencesOf(t); len(refs) > 0 {
		document["references"] = refs
	}
	doc := object{"document": document}
	if tree, status, remedies := products(t); len(tree) > 0 && len(t.CVEs) > 0 {
		document["category"], doc["product_tree"] = "csaf_security_advisory", object{"branches": tree}
		var all []object
		for _, cve := range t.CVEs {
			all = append(all, object{
				"cve": cve, "product_status": status, "remediations": remedies,
				"notes": []object{{"category": "description", "text": line1(t.Title)}},
			})
		}
		doc["vulnerabilities"] = all
	}
	return validated(doc)
}

func withdrawnWord(a state.Advisory) string {
	if a.Withdrawn != nil {
		return "WITHDRAWN, do not act on it: "
	}
	return ""
}

// line1 is a text that is not empty, on one line.
func line1(s string) string { return cmp.Or(checks.Clean(s, maxTitle), "untitled") }

// tracking is the history of an advisory, as far as each version may go where the
// document goes. Versions count from 1.
func tracking(a state.Advisory, t state.AdvisoryText, tlp state.TLP, now time.Time) object {
	var history []object
	add := func(version int, at time.Time, summary string) {
		history = append(history, object{"date": at.UTC().Format(time.RFC3339), "number": strconv.Itoa(version), "summary": line1(summary)})
	}
	for _, v := range a.Past {
		said := cmp.Or(v.Changed, "First version")
		if v.TLP < tlp {
			said = fmt.Sprintf("Version %d", v.Version)
		}
		add(v.Version, v.At, said)
	}
	status := "final"
	if a.Draft != nil {
		status = "draft"
		add(t.Version, cmp.Or(t.At, now), cmp.Or(t.Changed, "Draft"))
	}
	if a.Withdrawn != nil {
		add(t.Version+1, a.Withdrawn.At, "Withdrawn")
	}
	if len(history) == 0 {
		add(t.Version, cmp.Or(t.At, now), "First version")
	}
	last := history[len(history)-1]
	return object{
		"id": fmt.Sprintf("ALLCLEAR-%d", a.Number), "status": status, "version": last["number"],
		"initial_release_date": history[0]["date"], "current_release_date": last["date"], "revision_history": history,
	}
}

func notesOf(t state.AdvisoryText) []object {
	var out []object
	add := func(category, title, text string) {
		if text = strings.TrimSpace(text); text != "" {
			out = append(out, object{"category": category, "title": title, "text": text})
		}
	}
	var summary, actions, indicators []string
	for _, s := range t.Summary {
		summary = append(summary, checks.Clean(strings.ReplaceAll(s.Text, "\n", " "), state.MaxSummary))
	}
	for i, s := range t.Actions {
		actions = append(actions, fmt.Sprintf("%d. %s", i+1, checks.Clean(s, maxText)))
	}
	for _, i := range t.Indicators {
		indicators = append(indicators, checks.Clean(i.Type+" "+Defang(i), maxText))
	}
	add("summary", "Summary", strings.Join(summary, "\n\n"))
	add("details", "What to do, in this order", strings.Join(actions, "\n"))
	add("other", "Indicators (defanged)", strings.Join(indicators, "\n"))
	if t.Credit != "" {
		add("other", "Credit", "Shared by the community "+checks.Clean(t.Credit, maxTitle)+".")
	}
	return out
}

func referencesOf(t state.AdvisoryText) []object {
	var out []object
	for _, s := range t.Sources {
		for _, f := range strings.Fields(s.At) {
			if u := reference(f); u != "" {
				out = append(out, object{"category": "external", "summary": line1(s.Title), "url": u})
			}
		}
	}
	return out
}

// products are the tree of products, their status and what to do about each.
func products(t state.AdvisoryText) (tree []object, status object, remedies []object) {
	var affected, fixed []string
	for i, p := range t.Products {
		var kids []object
		for j, b := range p.Branches {
			id := fmt.Sprintf("P%d-%d", i+1, j+1)
			end := cmp.Or(b.Fixed, b.Below)
			kids = append(kids, object{
				"category": "product_version_range", "name": fmt.Sprintf("vers:generic/>=%s|<%s", b.From, end),
				"product": object{"product_id": id, "name": line1(fmt.Sprintf("%s from %s to below %s", p.Name, b.From, end))},
			})
			affected = append(affected, id)
			if b.Fixed == "" {
				remedies = append(remedies, object{"category": "none_available", "details": "No fix exists.", "product_ids": []string{id}})
				continue
			}
			kids = append(kids, object{
				"category": "product_version", "name": b.Fixed,
				"product": object{"product_id": id + "-fixed", "name": line1(p.Name + " " + b.Fixed)},
			})
			fixed = append(fixed, id+"-fixed")
			remedies = append(remedies, object{"category": "vendor_fix", "details": "Install " + fixedIn(b) + " or later.", "product_ids": []string{id}})
		}
		if len(kids) > 0 {
			tree = append(tree, object{"category": "product_name", "name": line1(p.Name), "branches": kids})
		}
	}
	status = object{"known_affected": affected}
	if len(fixed) > 0 {
		status["fixed"] = fixed
	}
	return tree, status, remedies
}

// validated is a document that the schema of CSAF 2.0 and the model accept.
func validated(doc object) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return nil, fmt.Errorf("write the CSAF document: %w", err)
	}
	var plain any
	if err := json.Unmarshal(b.Bytes(), &plain); err != nil {
		return nil, fmt.Errorf("write the CSAF document: %w", err)
	}
	problems, err := csaf.ValidateCSAF(plain)
	if err != nil {
		return nil, fmt.Errorf("hold the CSAF document against its schema: %w", err)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("the CSAF document would not be valid: %s", checks.Clean(strings.Join(problems, "; "), 300))
	}
	if _, err := ReadCSAF(bytes.NewReader(b.Bytes())); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

package fleet

import "slices"

// Trait is what is odd about a server. Most servers have none.
type Trait string

// The traits. A server has one at most, next to what its product and its place
// in the farm make of it.
const (
	TraitNone Trait = ""
	// TraitCatchAll answers 200 to whatever is asked.
	TraitCatchAll Trait = "catch-all"
	// TraitNoHeader hides the version header.
	TraitNoHeader Trait = "no-header"
	// TraitStaleHeader sends the header of a build that was replaced long ago.
	TraitStaleHeader Trait = "stale-header"
	// TraitHangs accepts a connection and never answers.
	TraitHangs Trait = "hangs"
	// TraitResets resets every connection.
	TraitResets Trait = "resets"

	// TraitMarkup answers with HTML and chat markup where a version belongs.
	TraitMarkup Trait = "markup"
	// TraitTerminal answers with terminal escapes.
	TraitTerminal Trait = "terminal"
	// TraitMention answers with mentions of everybody.
	TraitMention Trait = "mention"
	// TraitFormula answers with what a spreadsheet would run.
	TraitFormula Trait = "formula"
	// TraitOverflow answers with numbers that no build has.
	TraitOverflow Trait = "overflow"
	// TraitRedirect sends who asks to another host.
	TraitRedirect Trait = "redirect"
	// TraitEndless never stops sending.
	TraitEndless Trait = "endless"
	// TraitMalformed sends headers that no client should take, terminal escapes
	// among them, which then appear in the client's error.
	TraitMalformed Trait = "malformed"
)

// hostileTraits are dealt in this order.
func hostileTraits() []Trait {
	return []Trait{TraitMarkup, TraitTerminal, TraitMention, TraitFormula, TraitOverflow, TraitRedirect, TraitEndless, TraitMalformed}
}

// Hostile tells whether answers of this trait want to do harm to who reads them.
func (t Trait) Hostile() bool { return slices.Contains(hostileTraits(), t) }

// With lists the servers that have a trait, in the order of the inventory.
func (f *Fleet) With(t Trait) []string {
	var names []string
	for _, s := range f.servers {
		if s.trait == t {
			names = append(names, s.name)
		}
	}
	return names
}

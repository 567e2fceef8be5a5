package commands

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/allclear-bot/allclear/bot/chat"
	"github.com/allclear-bot/allclear/state"
)

// auditPage is how many entries are read at a time.
const auditPage = 500

// auditVerify walks the whole record and checks that nobody has rewritten it.
type auditVerify struct {
	store Auditor
}

func (auditVerify) Spec() chat.Spec {
	return chat.Spec{
		Path: "audit verify", Summary: "Check the whole record: that no entry was changed, left out or put in",
		Examples: []chat.Example{{Line: "audit verify", Does: "walks all entries and shows the hash of the newest"}},
		Role:     state.RoleResponder, Global: true,
	}
}

func (c auditVerify) Run(ctx context.Context, _ chat.Call) (chat.Message, error) {
	last, err := c.store.AuditSeq(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	var chain state.Chain
	for chain.Seq < last {
		page, err := c.store.Audit(ctx, chain.Seq+1, auditPage)
		if err != nil {
			return chat.Message{}, err
		}
		for _, e := range page {
			if err := chain.Add(e); err != nil {
				return chat.Message{}, broken(chain.Seq, err.Error())
			}
		}
		if len(page) == 0 {
			return chat.Message{}, broken(chain.Seq, fmt.Sprintf("entries %d to %d are missing", chain.Seq+1, last))
		}
	}
	heads := chain.Heads()
	list := chat.L()
	for _, lane := range slices.Sorted(maps.Keys(heads)) {
		list.Items = append(list.Items, chat.T(fmt.Sprintf("lane %d: ", lane), chat.C(heads[lane])))
	}
	m := chat.Say(chat.P(chat.B("The record is whole: "), entriesWords(chain.Seq)+", each with the hash of the one before it."))
	if len(list.Items) > 0 {
		m.Add(list, chat.N("Keep these hashes somewhere else: only a copy shows whether the end of a record was cut off."))
	}
	return m.With(chat.ToneGood), nil
}

func broken(good int64, what string) error {
	rest := "It cannot be trusted from the first entry on."
	if good > 0 {
		rest = fmt.Sprintf("Up to entry %d all is as it was written; what comes after cannot be trusted.", good)
	}
	return &chat.Problem{
		What: "The record is broken: " + what + ".\n" + rest,
		Try:  "Look who could write to the store, and compare with the last export: allclear audit verify FILE",
	}
}

func entriesWords(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

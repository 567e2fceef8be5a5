package discordfake

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// readReference makes a message a reply.
func (req *request) readReference(m *message, ch *channel) *apiError {
	ref := req.form.get("message_reference")
	if !ref.object() {
		return nil
	}
	id := ref.get("message_id").id()
	if other := ref.get("channel_id").id(); other != "" && other != ch.id {
		ref.get("channel_id").bad("REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel")
	}
	if err := req.f.need(ch, ReadMessageHistory); err != nil {
		return badRequest(160002, "Cannot reply without permission to read message history")
	}
	if ch.message(id) == nil {
		if ref.get("fail_if_not_exists").has && !ref.get("fail_if_not_exists").flag() {
			return nil
		}
		ref.bad("REPLIES_UNKNOWN_MESSAGE", "Unknown message")
		return nil
	}
	m.kind = 19
	m.reference = map[string]any{"type": 0, "message_id": id, "channel_id": ch.id, "guild_id": ch.guildID}
	return nil
}

// readNonce reads the nonce: a number or a text.
func (req *request) readNonce(m *message) {
	nonce := req.form.get("nonce")
	switch v := nonce.value.(type) {
	case nil:
	case json.Number:
		m.nonce = json.RawMessage(v)
		if nonce.integer(-1<<62, 1<<62); len(v) > maxNonce {
			nonce.length(len(v), 0, maxNonce)
		}
	case string:
		m.nonce = v
		if utf8.RuneCountInString(v) > maxNonce {
			nonce.length(utf8.RuneCountInString(v), 0, maxNonce)
		}
	default:
		nonce.bad("NUMBER_TYPE_COERCE", "Value is not a nonce.")
	}
	req.form.get("enforce_nonce").flag()
}

// sameNonce is the message that was sent with the same nonce a moment ago, when
// the call asks for it.
func (req *request) sameNonce(ch *channel, m *message) *message {
	if !req.form.get("enforce_nonce").flag() || m.nonce == nil || req.f.opt.IgnoreNonces {
		return nil
	}
	want, _ := json.Marshal(m.nonce)
	for _, o := range slices.Backward(ch.messages) {
		have, _ := json.Marshal(o.nonce)
		if !o.deleted && o.author == m.author && string(have) == string(want) && req.f.now().Sub(o.at) < nonceLife {
			return o
		}
	}
	return nil
}

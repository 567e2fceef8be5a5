package slackfake

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"
)

// responseURL is an address for answers to one interaction
// (docs.slack.dev/interactivity/handling-user-interaction): 5 uses in 30 minutes.
type responseURL struct {
	channel, user string
	at            time.Time
	uses          int
	original      *message // what was pressed, or what was answered privately before
}

func (s *Slack) newResponse(ch *conversation, user string, original *message) string {
	id := newSecret(16)
	s.responses[id] = &responseURL{channel: ch.ID, user: user, at: s.clock.Now(), original: original}
	return s.url + "/response/" + id
}

// serveResponse answers a post to a response_url.
func (s *Slack) serveResponse(w http.ResponseWriter, r *http.Request) {
	began, rec := s.clock.Now(), &Call{Method: "response_url", At: s.clock.Now(), Args: map[string]any{}}
	defer s.finish(rec, began)
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	v, bad := decode(raw)
	o := obj(v)
	rec.Args = clone(o)
	fault, faulty := s.fault("response_url", rec)
	if faulty && !fault.After && fault.hit(s, w, r, rec, args(o)) {
		return
	}
	if err != nil || bad != nil || o == nil {
		s.complain(Malformed, "response_url wants a JSON object")
		rec.Error = "invalid_payload"
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	refused := s.respondTo(r.PathValue("id"), args(o))
	if faulty && fault.After && fault.hit(s, w, r, rec, args(o)) {
		return
	}
	if refused != nil {
		rec.Error, rec.Problems = refused.word, refused.messages
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		status := http.StatusBadRequest
		if refused.word == "used_url" || refused.word == "expired_url" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(refused.object())
		return
	}
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("ok"))
}

func (s *Slack) respondTo(id string, a args) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	u := s.responses[id]
	switch {
	case u == nil, s.clock.Now().Sub(u.at) > s.opt.ResponseLife:
		return refuse("expired_url")
	case u.uses >= s.opt.ResponseUses:
		return refuse("used_url")
	}
	u.uses++
	s.leaks("response_url", object(a))
	return s.use(u, a)
}

// use does what an answer asks for: delete, replace, or say something.
func (s *Slack) use(u *responseURL, a args) *refusal {
	ch := s.channelByID(u.channel)
	if truth(a["delete_original"]) {
		s.deleteOriginal(ch, u)
		return nil
	}
	m := &message{user: BotUser, text: str(a["text"])}
	if refused := s.readBlocks(a, m, false); refused != nil {
		s.badBlocks("response_url", refused)
		return refused
	}
	if meta := obj(a["metadata"]); str(meta["event_type"]) != "" {
		if refused := readMetadata(a, m); refused != nil {
			return refused
		}
	}
	if m.text == "" && len(m.blocks) == 0 && len(m.attachments) == 0 {
		return refuse("no_text")
	}
	if m.text == "" {
		s.complainLocked(NoFallback, "response_url with %d blocks and no text", len(m.blocks))
	}
	if truth(a["replace_original"]) && u.original != nil {
		u.original.text, u.original.blocks, u.original.attachments = settle(m.text), m.blocks, m.attachments
		u.original.edits++
		s.nameBlocks(u.original.blocks)
		return nil
	}
	if thread := str(a["thread_ts"]); thread != "" {
		var refused *refusal
		if m.threadTS, refused = ch.intoThread(thread); refused != nil {
			return refused
		}
	}
	if str(a["response_type"]) == "in_channel" {
		s.put(ch, m)
		return nil
	}
	u.original = s.whisper(ch, u.user, m)
	return nil
}

func (s *Slack) deleteOriginal(ch *conversation, u *responseURL) {
	if u.original == nil {
		return
	}
	if u.original.onlyFor != "" {
		s.ephemerals = slices.DeleteFunc(s.ephemerals, func(m *message) bool { return m == u.original })
		return
	}
	s.dropped(ch, u.original)
}

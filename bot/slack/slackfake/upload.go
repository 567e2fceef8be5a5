package slackfake

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

// oldUpload: files.upload ended in 2025.
func (s *Slack) oldUpload(*call) (object, *refusal) {
	s.complainLocked(Deprecated, "files.upload: use files.getUploadURLExternal and files.completeUploadExternal")
	return nil, refuse("method_deprecated")
}

func (s *Slack) uploadURL(c *call) (object, *refusal) {
	n, err := strconv.ParseInt(c.str("length"), 10, 64)
	switch {
	case !c.has("filename"):
		return nil, refuse("missing_argument")
	case err != nil || n <= 0:
		return nil, refuseBlocks("invalid_arguments", []string{"must be greater than 0 [json-pointer:/length]"})
	case n > s.opt.MaxFile:
		return nil, refuse("file_upload_size_restricted")
	}
	f := s.newFile(c.str("filename"), BotUser)
	f.length, f.Alt = n, c.str("alt_txt")
	ticket := newSecret(16)
	s.uploads[ticket] = f
	return object{"upload_url": s.url + "/upload/v1/" + ticket, "file_id": f.ID}, nil
}

func (s *Slack) newFile(name, by string) *file {
	f := &file{File: File{ID: newID("F"), Name: path.Base(name), Title: path.Base(name), By: by}, created: s.clock.Now()}
	f.Mimetype = or(strings.Split(mime.TypeByExtension(path.Ext(name)), ";")[0], "application/octet-stream")
	s.files[f.ID] = f
	return f
}

// serveUpload takes the bytes, raw or as a form.
func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request) {
	began, rec := s.clock.Now(), &Call{Method: "upload", At: s.clock.Now(), Args: map[string]any{}}
	defer s.finish(rec, began)
	fault, faulty := s.fault("upload", rec)
	if faulty && fault.hit(s, w, r, rec, nil) {
		return
	}
	data, err := s.uploadBody(w, r)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.wake()
	f := s.uploads[r.PathValue("id")]
	switch {
	case f == nil || f.uploaded:
		rec.Error = "upload_url_unknown"
		http.Error(w, rec.Error, http.StatusNotFound)
	case err != nil:
		rec.Error = "upload_failed"
		http.Error(w, rec.Error, http.StatusBadRequest)
	case int64(len(data)) != f.length:
		rec.Error = "length_mismatch"
		http.Error(w, fmt.Sprintf("%d bytes were announced and %d came", f.length, len(data)), http.StatusBadRequest)
	default:
		f.Data, f.uploaded = data, true
		rec.Args["file"], rec.Args["bytes"] = f.ID, len(data)
		_, _ = fmt.Fprintf(w, "OK - %d", len(data))
	}
}

func (s *Slack) uploadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(w, r.Body, s.opt.MaxFile+1<<20)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return io.ReadAll(r.Body)
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	for {
		p, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if p.FormName() == "file" || p.FileName() != "" {
			return io.ReadAll(p)
		}
	}
}

func (s *Slack) completeUpload(c *call) (object, *refusal) {
	v, err := c.value("files")
	if err != nil || len(list(v)) == 0 {
		return nil, refuse("invalid_arguments")
	}
	var files []*file
	for _, e := range list(v) {
		f := s.files[str(obj(e)["id"])]
		if f == nil || !f.uploaded || f.completed || f.By != BotUser {
			return nil, refuse("file_not_found")
		}
		f.Title = or(str(obj(e)["title"]), f.Name)
		files = append(files, f)
	}
	m := &message{user: BotUser, text: c.str("initial_comment"), files: files}
	if refused := s.readBlocks(c.args, m, true); refused != nil {
		return nil, refused
	}
	var chs []*conversation
	for _, id := range strings.FieldsFunc(c.str("channel_id")+","+c.str("channels"), func(r rune) bool { return r == ',' }) {
		ch, refused := s.where(c, id)
		if refused != nil {
			return nil, refused
		}
		chs = append(chs, ch)
	}
	if len(chs) > maxFileChannels {
		return nil, refuse("too_many_channels")
	}
	if c.has("thread_ts") {
		if len(chs) != 1 {
			return nil, refuse("invalid_arguments")
		}
		var refused *refusal
		if m.threadTS, refused = chs[0].intoThread(c.str("thread_ts")); refused != nil {
			return nil, refused
		}
	}
	out := []any{}
	for _, f := range files {
		f.completed = true
		out = append(out, object{"id": f.ID, "title": f.Title})
	}
	if len(chs) > 0 {
		s.soon(shareDelay, func() { s.do(func() { s.shareAll(chs, m) }) })
	}
	return object{"files": out}, nil
}

func (s *Slack) shareAll(chs []*conversation, m *message) {
	for _, ch := range chs {
		each := *m
		each.blocks = clone(m.blocks)
		s.share(ch, &each)
	}
}

// share posts a message with files.
func (s *Slack) share(ch *conversation, m *message) *message {
	m.subtype = "file_share"
	if m.user == BotUser {
		m.subtype = ""
	}
	s.put(ch, m)
	for _, f := range m.files {
		if !slices.Contains(f.Channels, ch.ID) {
			f.Channels = append(f.Channels, ch.ID)
		}
		f.shares = append(f.shares, object{"channel": ch.ID, "private": ch.Private, "ts": m.ts, "thread_ts": m.threadTS})
	}
	return m
}

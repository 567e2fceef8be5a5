package slackfake

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of files (docs.slack.dev/reference/methods/files.completeUploadExternal).
const (
	maxFileChannels = 100
	shareDelay      = 10 * time.Millisecond // sharing is done after the answer
)

// File is a file as people see it.
type File struct {
	ID, Name, Title, Mimetype string
	Alt                       string
	By                        string
	Data                      []byte
	Channels                  []string
}

type file struct {
	File
	length    int64
	uploaded  bool
	completed bool
	shares    []object
	created   time.Time
}

func (s *Slack) fileMethods() map[string]method {
	write, read := []string{"files:write"}, []string{"files:read"}
	return map[string]method{
		"files.getUploadURLExternal":   {run: s.uploadURL, scopes: write, tier: 4, args: "filename length alt_txt snippet_type"},
		"files.completeUploadExternal": {run: s.completeUpload, scopes: write, tier: 4, json: true, args: "files channel_id channels initial_comment thread_ts blocks"},
		"files.info":                   {run: s.fileInfo, scopes: read, tier: 4, args: "file count page cursor limit"},
		"files.list":                   {run: s.listFiles, scopes: read, tier: 3, args: "channel user count page ts_from ts_to types team_id show_files_hidden_by_limit cursor limit"},
		"files.delete":                 {run: s.deleteFile, scopes: write, tier: 3, json: true, args: "file"},
		"files.upload":                 {run: s.oldUpload, scopes: write, args: "channels content file filename filetype initial_comment thread_ts title"},
	}
}

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

// fileObject is a file as Slack shows it.
func (s *Slack) fileObject(f *file) object {
	where := s.url + "/files-pri/" + TeamID + "-" + f.ID + "/"
	o := object{
		"id": f.ID, "created": f.created.Unix(), "timestamp": f.created.Unix(), "name": f.Name, "title": f.Title, "mimetype": f.Mimetype,
		"filetype": strings.TrimPrefix(path.Ext(f.Name), "."), "user": f.By, "user_team": TeamID, "size": len(f.Data), "mode": "hosted",
		"is_external": false, "url_private": where + url.PathEscape(f.Name), "url_private_download": where + url.PathEscape(f.Name) + "?download=1",
		"permalink": "https://acme.slack.example/files/" + f.By + "/" + f.ID + "/" + url.PathEscape(f.Name), "channels": f.Channels,
		"file_access": "visible",
	}
	shares := object{}
	for _, sh := range f.shares {
		kind := "public"
		if truth(sh["private"]) {
			kind = "private"
		}
		if shares[kind] == nil {
			shares[kind] = object{}
		}
		ch := str(sh["channel"])
		obj(shares[kind])[ch] = append(list(obj(shares[kind])[ch]), object{"ts": sh["ts"], "thread_ts": sh["thread_ts"], "team_id": TeamID})
	}
	o["shares"] = shares
	return o
}

// sees: the bot sees its own files, and those in conversations that it is in.
func (s *Slack) sees(f *file) bool {
	if f.By == BotUser {
		return true
	}
	return slices.ContainsFunc(f.Channels, func(id string) bool {
		ch := s.channelByID(id)
		return ch != nil && s.member(ch, BotUser)
	})
}

func (s *Slack) fileInfo(c *call) (object, *refusal) {
	f := s.files[c.str("file")]
	if f == nil || !s.sees(f) || !f.uploaded {
		return nil, refuse("file_not_found")
	}
	return object{"file": s.fileObject(f), "comments": []any{}, "response_metadata": object{"next_cursor": ""}}, nil
}

func (s *Slack) listFiles(c *call) (object, *refusal) {
	found := []any{}
	for _, f := range s.files {
		if f.uploaded && s.sees(f) && (!c.has("channel") || slices.Contains(f.Channels, c.str("channel"))) {
			found = append(found, s.fileObject(f))
		}
	}
	return object{"files": found, "paging": object{"count": len(found), "total": len(found), "page": 1, "pages": 1}}, nil
}

func (s *Slack) deleteFile(c *call) (object, *refusal) {
	f := s.files[c.str("file")]
	switch {
	case f == nil || !s.sees(f):
		return nil, refuse("file_not_found")
	case f.By != BotUser:
		return nil, refuse("cant_delete_file")
	}
	delete(s.files, f.ID)
	for _, ch := range s.channels {
		for _, m := range ch.messages {
			m.files = slices.DeleteFunc(m.files, func(o *file) bool { return o == f })
		}
	}
	return nil, nil
}

// serveDownload gives the bytes to whoever has a token that may see them. Others
// are led to the page where people sign in, which answers 200 with HTML.
func (s *Slack) serveDownload(w http.ResponseWriter, r *http.Request) {
	began, rec := s.clock.Now(), &Call{Method: "download", At: s.clock.Now(), Args: map[string]any{"path": r.URL.Path}}
	defer s.finish(rec, began)
	fault, faulty := s.fault("download", rec)
	if faulty && fault.hit(s, w, r, rec, nil) {
		return
	}
	if r.URL.Query().Has("token") || r.URL.Query().Has("t") {
		s.complain(TokenInURL, "%s", r.URL.Path)
	}
	data, kind, ok := s.download(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.PathValue("id"))
	if !ok {
		rec.Error = "not_authed"
		http.Redirect(w, r, "/signin?redir="+url.QueryEscape(r.URL.Path), http.StatusFound)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	if faulty && fault.Slow > 0 {
		for i := range data {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(fault.Slow / time.Duration(len(data))):
			}
			if _, err := w.Write(data[i : i+1]); err != nil {
				return
			}
		}
		return
	}
	_, _ = w.Write(data)
}

func (s *Slack) download(given, id string) ([]byte, string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[given]
	f := s.files[strings.TrimPrefix(id, TeamID+"-")]
	if t == nil || t.revoked != "" || !t.has("files:read") || f == nil || !f.uploaded || !s.sees(f) {
		return nil, "", false
	}
	return f.Data, f.Mimetype, true
}

func (s *Slack) serveSignIn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Slack</title></head><body><h1>Sign in to Acme</h1></body></html>"))
}

package slackfake

import (
	"net/url"
	"path"
	"slices"
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

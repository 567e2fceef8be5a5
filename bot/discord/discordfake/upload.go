package discordfake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxFile is how large one file may be, in bytes, without boosts.
// https://docs.discord.com/developers/reference#uploading-files
const maxFile = 10 << 20

// maxFiles is how many files one message has.
const maxFiles = 10

// upload is a file of a request.
type upload struct {
	index, name, contentType string
	data                     []byte
}

var partName = regexp.MustCompile(`^files\[(\d{1,4})\]$`)

// readBody reads the JSON and the files of a request.
func (req *request) readBody() *apiError {
	kind, params, _ := mime.ParseMediaType(req.http.Header.Get("Content-Type"))
	form, files, err := readContent(kind, params["boundary"], req.raw)
	req.form, req.files = form, files
	return err
}

func readContent(kind, boundary string, raw []byte) (field, []upload, *apiError) {
	switch {
	case len(raw) == 0 && kind == "":
		form, err := parseForm(nil)
		return form, nil, err
	case len(raw) == 0:
		return field{p: &problems{}}, nil, errJSON
	case kind == "application/json":
		form, err := parseForm(raw)
		return form, nil, err
	case kind == "multipart/form-data" && boundary != "":
		return readParts(multipart.NewReader(bytes.NewReader(raw), boundary))
	}
	p := &problems{}
	p.add(nil, "CONTENT_TYPE_INVALID", `Expected "Content-Type" header to be one of {'application/json', 'multipart/form-data'}.`)
	return field{p: p}, nil, p.err()
}

func readParts(r *multipart.Reader) (field, []upload, *apiError) {
	payload, files := []byte("{}"), []upload(nil)
	plain := map[string]any{}
	seen := map[string]bool{}
	for {
		part, err := r.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return field{p: &problems{}}, nil, badRequest(50035, "Invalid Form Body")
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return field{p: &problems{}}, nil, badRequest(50035, "Invalid Form Body")
		}
		name := part.FormName()
		switch m := partName.FindStringSubmatch(name); {
		case seen[name]:
			return field{p: &problems{}}, nil, badRequest(50035, "Invalid Form Body")
		case name == "payload_json":
			payload = data
		case m != nil && part.FileName() != "":
			if len(data) > maxFile {
				return field{p: &problems{}}, nil, errFileTooLarge
			}
			files = append(files, upload{m[1], fileName(part.FileName()), part.Header.Get("Content-Type"), data})
		default:
			plain[name] = string(data)
		}
		seen[name] = true
	}
	form, err := parseForm(payload)
	if err == nil && !seen["payload_json"] {
		form.value, form.has = plain, true
	}
	return form, files, err
}

// fileName is a name as Discord keeps it.
func fileName(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "_")
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '/' || r == '\\' {
			return '_'
		}
		return r
	}, s)
}

// readFiles makes the files of a message: the new ones and, of the old ones, those
// that the form keeps.
func (req *request) readFiles(form field, old []*attachment, ephemeral bool, channelID string) []*attachment {
	kept := old
	about := map[string]field{}
	list := form.get("attachments")
	if list.has {
		kept = nil
		for _, a := range list.list(0, maxFiles) {
			id, ok := attachmentID(a.get("id"))
			if !a.object() || !ok {
				continue
			}
			about[id] = a
			for _, o := range old {
				if o.id == id {
					kept = append(kept, o)
				}
			}
		}
	}
	out := append([]*attachment(nil), kept...)
	for _, u := range req.files {
		a := &attachment{id: req.f.snowflake(), name: u.name, contentType: u.contentType, data: u.data, ephemeral: ephemeral}
		if said, ok := about[u.index]; ok {
			if said.get("filename").has {
				a.name = fileName(said.get("filename").text(1, 260))
			}
			a.description = said.get("description").text(0, 1024)
			delete(about, u.index)
		}
		req.f.keep(a, channelID)
		out = append(out, a)
	}
	for id, said := range about {
		if !containsFile(old, id) {
			said.bad("ATTACHMENT_NOT_FOUND", "The attachment %s was not uploaded", id)
		}
	}
	if len(out) > maxFiles {
		list.bad("BASE_TYPE_MAX_LENGTH", "Must be %d or fewer in length.", maxFiles)
	}
	return out
}

func containsFile(files []*attachment, id string) bool {
	for _, a := range files {
		if a.id == id {
			return true
		}
	}
	return false
}

// attachmentID is the id of a file, or the number of a new one; both may be written
// as numbers.
func attachmentID(f field) (string, bool) {
	switch v := f.value.(type) {
	case json.Number:
		return v.String(), true
	case string:
		return v, v != ""
	}
	f.required()
	return "", false
}

// keep stores a file where clients can download it.
func (f *Fake) keep(a *attachment, channelID string) {
	folder := "attachments"
	if a.ephemeral {
		folder = "ephemeral-attachments"
	}
	path := fmt.Sprintf("/%s/%s/%s/%s", folder, channelID, a.id, a.name)
	a.url = "https://" + cdnHost + path + "?ex=" + fmt.Sprintf("%x", f.now().Unix()+86400) + "&hm=" + secret(8)
	f.files[path] = a
}

// serveFile serves what was uploaded. Nobody authenticates: the address is signed.
func (f *Fake) serveFile(w http.ResponseWriter, r *http.Request) {
	f.noteLeaks(r)
	f.mu.Lock()
	a := f.files[r.URL.Path]
	signed := a != nil && strings.HasSuffix(a.url, "?"+r.URL.RawQuery)
	if r.Header.Get("Authorization") != "" {
		f.offend(Leaked, "the bot's token was sent to the host of the files")
	}
	f.mu.Unlock()
	switch {
	case a == nil || r.Method != http.MethodGet && r.Method != http.MethodHead:
		http.NotFound(w, r)
	case !signed:
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", a.contentType)
		_, _ = w.Write(a.data)
	}
}

func (a *attachment) json() map[string]any {
	out := map[string]any{
		"id": a.id, "filename": a.name, "size": len(a.data), "url": a.url, "proxy_url": strings.Replace(a.url, cdnHost, mediaHost, 1),
		"content_type": a.contentType,
	}
	if a.description != "" {
		out["description"] = a.description
	}
	if a.ephemeral {
		out["ephemeral"] = true
	}
	return out
}

package discordfake

import (
	"strings"
	"unicode/utf8"
)

// The limits of embeds, in code points.
// https://docs.discord.com/developers/resources/message#embed-object-embed-limits
const (
	maxEmbeds      = 10
	maxEmbedTitle  = 256
	maxEmbedText   = 4096
	maxEmbedFields = 25
	maxFieldName   = 256
	maxFieldValue  = 1024
	maxFooter      = 2048
	maxEmbedAuthor = 256
	maxEmbedsTotal = 6000
)

// embed is a rich embed, in the JSON that Discord sends.
type embed struct {
	Type        string       `json:"type"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Timestamp   string       `json:"timestamp,omitempty"`
	Color       int64        `json:"color,omitempty"`
	Footer      *embedFooter `json:"footer,omitempty"`
	Image       *embedMedia  `json:"image,omitempty"`
	Thumbnail   *embedMedia  `json:"thumbnail,omitempty"`
	Author      *embedAuthor `json:"author,omitempty"`
	Fields      []embedField `json:"fields,omitempty"`
}

type embedFooter struct {
	Text    string `json:"text"`
	IconURL string `json:"icon_url,omitempty"`
}

type embedMedia struct {
	URL string `json:"url"`
}

type embedAuthor struct {
	Name    string `json:"name"`
	URL     string `json:"url,omitempty"`
	IconURL string `json:"icon_url,omitempty"`
}

type embedField struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Inline bool   `json:"inline"`
}

// readEmbeds reads and checks a list of embeds.
func readEmbeds(list field) []embed {
	var out []embed
	total := 0
	for _, f := range list.list(0, maxEmbeds) {
		e := readEmbed(f)
		total += e.size()
		out = append(out, e)
	}
	if total > maxEmbedsTotal {
		list.bad("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of %d", maxEmbedsTotal)
	}
	return out
}

func readEmbed(f field) embed {
	e := embed{Type: "rich"}
	if !f.object() {
		return e
	}
	e.Title = strings.TrimSpace(f.get("title").text(0, maxEmbedTitle))
	e.Description = strings.TrimSpace(f.get("description").text(0, maxEmbedText))
	e.URL = f.get("url").link(2048, "http", "https")
	e.Timestamp = f.get("timestamp").moment()
	e.Color = f.get("color").integer(0, 0xffffff)
	if o := f.get("footer"); o.object() {
		e.Footer = &embedFooter{strings.TrimSpace(o.get("text").need(0, maxFooter)), o.get("icon_url").link(2048, "http", "https", "attachment")}
	}
	if o := f.get("author"); o.object() {
		e.Author = &embedAuthor{strings.TrimSpace(o.get("name").need(1, maxEmbedAuthor)), o.get("url").link(2048, "http", "https"), o.get("icon_url").link(2048, "http", "https", "attachment")}
	}
	e.Image, e.Thumbnail = readMedia(f.get("image")), readMedia(f.get("thumbnail"))
	for _, o := range f.get("fields").list(0, maxEmbedFields) {
		if o.object() {
			e.Fields = append(e.Fields, embedField{filled(o.get("name"), maxFieldName), filled(o.get("value"), maxFieldValue), o.get("inline").flag()})
		}
	}
	if e.empty() {
		f.get("description").bad("BASE_TYPE_REQUIRED", "This field is required")
	}
	return e
}

// filled is a required text that is not blank.
func filled(f field, most int) string {
	s := f.need(0, most)
	if strings.TrimSpace(s) == "" && f.has {
		f.bad("BASE_TYPE_REQUIRED", "This field is required")
	}
	return strings.TrimSpace(s)
}

func readMedia(f field) *embedMedia {
	if !f.object() {
		return nil
	}
	f.get("url").required()
	return &embedMedia{f.get("url").link(2048, "http", "https", "attachment")}
}

func (e embed) empty() bool {
	return e.Title == "" && e.Description == "" && e.Footer == nil && e.Author == nil && e.Image == nil &&
		e.Thumbnail == nil && len(e.Fields) == 0
}

// size is what counts for the limit of all embeds together.
func (e embed) size() int {
	n := utf8.RuneCountInString(e.Title) + utf8.RuneCountInString(e.Description)
	if e.Footer != nil {
		n += utf8.RuneCountInString(e.Footer.Text)
	}
	if e.Author != nil {
		n += utf8.RuneCountInString(e.Author.Name)
	}
	for _, f := range e.Fields {
		n += utf8.RuneCountInString(f.Name) + utf8.RuneCountInString(f.Value)
	}
	return n
}

// attached replaces attachment://name by the address of the file. A picture that
// was not uploaded is not shown.
func (e embed) attached(files []*attachment) embed {
	resolve := func(m *embedMedia) *embedMedia {
		if m == nil {
			return nil
		}
		name, ok := strings.CutPrefix(m.URL, "attachment://")
		if !ok {
			return m
		}
		for _, a := range files {
			if a.name == name {
				return &embedMedia{a.url}
			}
		}
		return nil
	}
	e.Image, e.Thumbnail = resolve(e.Image), resolve(e.Thumbnail)
	return e
}

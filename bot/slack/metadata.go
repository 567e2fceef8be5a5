package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	slackgo "github.com/slack-go/slack"

	"github.com/allclear-bot/allclear/bot/chat"
)

// eventType names the metadata of our messages
// (docs.slack.dev/messaging/message-metadata). Every app of the workspace can read
// them.
const eventType = "allclear_message"

// What the metadata of a message hold.
const (
	metaKey      = "key"      // the hash of its key
	metaIncident = "incident" // what it is about, as far as the place may see it
	metaServer   = "server"
	metaSheets   = "sheets" // how many messages it is in all, when they are more than one
	metaFiles    = "files"  // the marks of the files that belong to it
	metaGone     = "gone"   // the marks of those that belonged to it, and are to be taken away
	metaOf       = "of"     // of a further message: the first one,
	metaSheet    = "sheet"  // and which it is
	metaLost     = "lost"   // of the word that a file is missing: its mark
)

// hashOf is what a key is called where others can read it.
func hashOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// clientID is the client_msg_id made of a key: a UUID, of the version for what
// everybody makes as they like (RFC 9562).
func clientID(key string) string {
	b := sha256.Sum256([]byte("client_msg_id " + key))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// sheetKey is the key of a further message.
func sheetKey(key string, n int) string { return fmt.Sprintf("%s, sheet %d", key, n) }

// firstMeta are the metadata of a message, or of the first of several.
func firstMeta(m chat.Message, key string, r rendered) slackgo.SlackMetadata {
	load := map[string]any{metaKey: hashOf(key)}
	if m.About.Incident != "" {
		load[metaIncident] = m.About.Incident
	}
	if m.About.Server != "" {
		load[metaServer] = m.About.Server
	}
	if n := len(r.sheets); n > 1 {
		load[metaSheets] = strconv.Itoa(n)
	}
	if len(r.files) > 0 {
		load[metaFiles] = strings.Join(r.marks(), " ")
	}
	return slackgo.SlackMetadata{EventType: eventType, EventPayload: load}
}

// sheetsOf is how many messages a message is in all, as it says itself.
func sheetsOf(m slackgo.Message) int {
	n, _ := strconv.Atoi(meta(m, metaSheets))
	return max(n, 1)
}

// marks are those of the files of a message.
func (r rendered) marks() []string {
	var marks []string
	for _, f := range r.files {
		marks = append(marks, f.mark())
	}
	return marks
}

// goneFrom are the marks of files that belonged to a message and do not any more.
func (r rendered) goneFrom(before slackgo.Message) []string {
	now := r.marks()
	var gone []string
	for _, mark := range strings.Fields(meta(before, metaFiles) + " " + meta(before, metaGone)) {
		if !slices.Contains(now, mark) && !slices.Contains(gone, mark) {
			gone = append(gone, mark)
		}
	}
	return gone
}

// changedMeta changes the metadata of a first message, when what belongs to it is not what
// they say. Without, Slack leaves them as they are. What is to be taken away is there as long
// as the message: whoever could not take it away may have died.
func changedMeta(before slackgo.Message, r rendered) []slackgo.MsgOption {
	files, gone := strings.Join(r.marks(), " "), strings.Join(r.goneFrom(before), " ")
	more := len(r.sheets) > sheetsOf(before)
	if meta(before, metaKey) == "" || !more && files == meta(before, metaFiles) && gone == meta(before, metaGone) {
		return nil
	}
	load := maps.Clone(before.Metadata.EventPayload)
	for name, value := range map[string]string{metaFiles: files, metaGone: gone} {
		if delete(load, name); value != "" {
			load[name] = value
		}
	}
	if more {
		load[metaSheets] = strconv.Itoa(len(r.sheets))
	}
	return []slackgo.MsgOption{slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: eventType, EventPayload: load})}
}

// nextMeta are the metadata of a further message.
func nextMeta(key, first string, n int) slackgo.SlackMetadata {
	return slackgo.SlackMetadata{EventType: eventType, EventPayload: map[string]any{
		metaKey: hashOf(sheetKey(key, n)), metaOf: first, metaSheet: strconv.Itoa(n),
	}}
}

// lostMeta are the metadata of the word that a file is missing.
func lostMeta(key, first, mark string) slackgo.SlackMetadata {
	return slackgo.SlackMetadata{EventType: eventType, EventPayload: map[string]any{
		metaKey: hashOf(key + ", lost " + mark), metaOf: first, metaLost: mark,
	}}
}

// meta is one entry of the metadata of a message of ours.
func meta(m slackgo.Message, name string) string {
	if m.Metadata.EventType != eventType || m.BotID == "" {
		return ""
	}
	s, _ := m.Metadata.EventPayload[name].(string)
	return s
}

// mark names a file by what is in it.
func (e enclosure) mark() string {
	sum := sha256.Sum256(append([]byte(e.name+"\x00"), e.data...))
	return hex.EncodeToString(sum[:4])
}

var unsafeInFile = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// fileName is the name of a file on Slack: its own, with its mark, so that it is
// found again.
func (e enclosure) fileName() string {
	name := strings.TrimLeft(unsafeInFile.ReplaceAllString(path.Base(e.name), "_"), "._-")
	ext := path.Ext(name)
	if len(ext) > 10 {
		ext = ""
	}
	base := strings.TrimSuffix(name, ext)
	if base == "" {
		base = "file"
	}
	return base[:min(len(base), 60)] + "-" + e.mark() + ext
}

var markedName = regexp.MustCompile(`-([0-9a-f]{8})(\.[A-Za-z0-9._-]+)?$`)

// markOfFile is the mark in the name of a file, "" when there is none.
func markOfFile(name string) string {
	if m := markedName.FindStringSubmatch(name); m != nil {
		return m[1]
	}
	return ""
}

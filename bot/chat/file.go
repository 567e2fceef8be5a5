package chat

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// maxFileName is how long the name of a file is shown, in characters.
const maxFileName = 100

// FileName is what a file that somebody hands in is called: safe to be shown, and in no
// folder.
func FileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if name == "." || name == "/" || name == ".." {
		return "file"
	}
	return Cut(Clean(name), maxFileName)
}

// Cut is a text in at most so many characters; what is cut ends with an ellipsis.
func Cut(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return strings.TrimRight(string([]rune(s)[:most-1]), " ") + "…"
}

// FileSize is a number of bytes for people.
func FileSize(n int) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f kB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}

// Unreadable is why the bytes of a file are not what can be handed in, "" when they
// are: text of any kind, what gzip made, or a zip. A web page is what a platform gives
// to who may not see a file.
func Unreadable(data []byte) string {
	head := data[:min(len(data), 512)]
	start := bytes.ToLower(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n"))
	switch {
	case len(data) == 0:
		return "is empty"
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}), bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return ""
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}), bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return "" // text as Windows writes it, in UTF-16
	case bytes.HasPrefix(data, []byte("7z\xbc\xaf")), bytes.HasPrefix(data, []byte("Rar!")):
		return "is an archive that is no zip"
	case bytes.HasPrefix(start, []byte("<!doctype html")), bytes.HasPrefix(start, []byte("<html")):
		return "is a web page"
	case strings.HasPrefix(http.DetectContentType(head), "image/"):
		return "is a picture"
	case bytes.IndexByte(data, 0) >= 0, bytes.IndexFunc(head, controls) >= 0:
		return "is no text"
	}
	return ""
}

// HandInText is what to do when a file is not what can be handed in.
const HandInText = "Hand in text (CSV, JSON or a log), also compressed with gzip, or logs in a zip."

// controls are characters that no text has.
func controls(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' && r != '\f' && r != '\v' && r != 0x1b
}

package intake

import (
	"strings"

	"github.com/allclear-bot/allclear/checks"
)

// dropped stands where a secret was.
const dropped = "[dropped]"

// excerpt is a text of a report as it may be kept: without secrets, one line, short,
// no markup and no mention.
func excerpt(s string, limit int) string {
	if len(s) <= limit && tame(s) {
		return s
	}
	if len(s) > 8*maxExcerpt { // the beginning of a key would not look like one any more
		s = strings.TrimRightFunc(s[:8*maxExcerpt], func(r rune) bool { return r > ' ' })
	}
	return checks.Excerpt(scrub(s), limit)
}

// tame reports whether nothing in a text would be dropped or replaced, at a glance:
// most texts of a report are so.
func tame(s string) bool {
	run := 0 // how long what may be a key is already
	for i := range len(s) {
		c := s[i]
		switch {
		case inKey(c):
			if run++; run >= minKey {
				return false
			}
			continue
		case c == ' ':
			if i == 0 || i == len(s)-1 || s[i-1] == ' ' || strings.HasSuffix(s[:i], "PRIVATE") {
				return false
			}
			if _, to := afterScheme(s, i); to > 0 {
				return false
			}
		case c < ' ' || c > '~':
			return false
		default:
			switch c {
			case ':', '=', '<', '>', '&', '@', '*', '~', '`', '"', '\\', '|':
				return false
			}
		}
		run = 0
	}
	return true
}

// mayBeScheme reports whether a scheme of credentials may end so.
func mayBeScheme(c byte) bool {
	switch c | 0x20 {
	case 'r', 'c', 'e', 'm', 't':
		return true
	}
	return false
}

// scrub drops the values of headers, fields and attributes that hold secrets, user
// names and passwords in URLs, and whatever looks like a key by itself.
func scrub(s string) string {
	if !strings.ContainsAny(s, ":= \t|") && len(s) < minKey {
		return s
	}
	var out strings.Builder
	done := 0
	drop := func(from, to int) {
		if to <= max(from, done) {
			return
		}
		if from >= done {
			out.WriteString(s[done:from])
			out.WriteString(dropped)
		}
		done = to // what was taken for a value may be the name of another
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':' && strings.HasPrefix(s[i:], "://"):
			drop(userInfo(s, i+3))
		case c == ':' || c == '=':
			drop(valueAt(s, i))
		case c == ' ' || c == '\t':
			drop(afterScheme(s, i))
		}
	}
	out.WriteString(s[done:])
	return dropKeys(out.String())
}

// userInfo is where "user:password" stands in a URL whose "://" ends at i.
func userInfo(s string, i int) (from, to int) {
	at := -1
	for k := i; k < len(s) && !strings.ContainsRune("/?# \t\r\n\"'<>", rune(s[k])); k++ {
		if s[k] == '@' {
			at = k
		}
	}
	return i, at
}

// valueAt is where a secret value stands behind a ':' or '=' at i.
func valueAt(s string, i int) (from, to int) {
	end := len(strings.TrimRight(s[:i], " \t\"'\\"))
	begin := end
	for begin > 0 && isName(s[begin-1]) {
		begin--
	}
	name := strings.ToLower(s[begin:end])
	if !secretName(name) {
		return 0, 0
	}
	from = i + 1
	for from < len(s) && strings.IndexByte(" \t\\", s[from]) >= 0 {
		from++
	}
	switch {
	case strings.Contains(name, "authori") || strings.Contains(name, "cookie"):
		return from, lineEnd(s, from)
	case from < len(s) && (s[from] == '"' || s[from] == '\''):
		if n := strings.IndexByte(s[from+1:], s[from]); n >= 0 {
			return from + 1, from + 1 + n
		}
		return from + 1, lineEnd(s, from)
	}
	to = from
	for to < len(s) && !strings.ContainsRune(" \t\r\n\"'<>&,;", rune(s[to])) {
		to++
	}
	return from, to
}

func lineEnd(s string, from int) int {
	if n := strings.IndexAny(s[from:], "\r\n"); n >= 0 {
		return from + n
	}
	return len(s)
}

// afterScheme is where credentials stand behind "Bearer " or "Basic ".
func afterScheme(s string, i int) (from, to int) {
	if i == 0 || !mayBeScheme(s[i-1]) {
		return 0, 0
	}
	for _, scheme := range []string{"bearer", "basic", "negotiate", "ntlm", "digest"} {
		if b := i - len(scheme); b >= 0 && strings.EqualFold(s[b:i], scheme) && (b == 0 || !isName(s[b-1])) {
			to = i + 1
			for to < len(s) && !strings.ContainsRune(" \t\r\n\"',;", rune(s[to])) {
				to++
			}
			if to-i > 8 {
				return i + 1, to
			}
		}
	}
	return 0, 0
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.'
}

// secretName reports whether a field of this name, in lower case, holds a secret.
func secretName(name string) bool {
	for _, word := range []string{
		"authori", "cookie", "token", "secret", "passw", "passphrase", "pwd", "credential", "session", "sessid",
		"apikey", "api-key", "api_key", "accesskey", "access_key", "validationkey", "decryptionkey", "machinekey",
		"privatekey", "private_key", "private-key", "viewstate", "signature", "sharedkey", "encryptionkey",
	} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return name == "key" || name == "auth" || name == "sid" || name == "pass"
}

// minKey is how long a run of letters and digits is that looks like a key: machine
// keys have 48 hexadecimal digits or more.
const minKey = 40

// dropKeys drops long runs that look like keys, tokens or encoded data, and all
// that follows the beginning of a private key.
func dropKeys(s string) string {
	if i := strings.Index(s, "PRIVATE KEY"); i >= 0 {
		s = s[:i] + "PRIVATE KEY " + dropped
	}
	if len(s) < minKey {
		return s
	}
	var out strings.Builder
	done, begin, digits := 0, -1, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && inKey(s[i]) {
			if begin < 0 {
				begin, digits = i, 0
			}
			if s[i] >= '0' && s[i] <= '9' {
				digits++
			}
			continue
		}
		if begin >= 0 && i-begin >= minKey && digits > 3 {
			out.WriteString(s[done:begin])
			out.WriteString(dropped)
			done = i
		}
		begin = -1
	}
	out.WriteString(s[done:])
	return out.String()
}

func inKey(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '_'
}

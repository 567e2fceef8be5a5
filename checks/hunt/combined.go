package hunt

import (
	"bytes"
	"time"
)

// looksCombined reports whether a line may be of the common or combined format:
// host ident user [10/Oct/2000:13:55:36 -0700] "GET /path HTTP/1.1" 200 2326 "referer" "agent".
func looksCombined(line []byte) bool {
	_, rest, ok := bytes.Cut(line, []byte(" ["))
	if !ok || len(rest) < len(combinedTime) {
		return false
	}
	_, ok = combinedAt(rest)
	return ok
}

const combinedTime = "02/Jan/2006:15:04:05 -0700"

func combinedAt(rest []byte) (time.Time, bool) {
	t, err := time.Parse(combinedTime, string(rest[:len(combinedTime)]))
	return t.UTC(), err == nil && t.Year() >= 1990
}

// combined looks at one line of a front end's log.
func (r *reading) combined(line []byte) {
	i := bytes.IndexByte(line, '"')
	if i < 0 {
		r.unreadable(line, true)
		return
	}
	rest := line[i+1:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		end = len(rest)
	}
	client := line[:max(0, bytes.IndexByte(line, ' '))]
	if !r.s.gate.opens(rest[:end]) && !r.s.suspects.may(client) {
		return
	}
	q, ok := combinedRequest(line, rest[:end], rest[min(end+1, len(rest)):])
	if !ok {
		r.unreadable(line, true)
		return
	}
	r.judge(&q)
}

func combinedRequest(line, asked, after []byte) (request, bool) {
	var q request
	_, stamp, ok := bytes.Cut(line, []byte(" ["))
	if !ok || len(stamp) < len(combinedTime) {
		return q, false
	}
	if q.at, ok = combinedAt(stamp); !ok {
		return q, false
	}
	q.front = true
	q.client = clientOf(string(line[:max(0, bytes.IndexByte(line, ' '))]))
	words := bytes.Fields(asked)
	if len(words) < 2 {
		return q, false
	}
	q.method = string(words[0])
	q.target(string(words[1]))
	numbers, texts, _ := bytes.Cut(after, []byte{'"'})
	if n := bytes.Fields(numbers); len(n) > 0 {
		q.status = int(number(n[0]))
		if len(n) > 1 {
			q.sent = number(n[1])
		}
	}
	quoted := bytes.Split(texts, []byte{'"'}) // referer, space, agent, …
	q.lacks[colReceived] = true
	if q.lacks[colReferer] = len(quoted) < 2; !q.lacks[colReferer] {
		q.referer = plainText(string(quoted[0]))
	}
	if q.lacks[colAgent] = len(quoted) < 4; !q.lacks[colAgent] {
		q.agent = decoded(string(quoted[2]))
	}
	return q, true
}

// target takes a path with its query, and maybe with a host before it.
func (q *request) target(s string) {
	path, query, _ := bytes.Cut([]byte(s), []byte{'?'})
	if i := bytes.Index(path, []byte("://")); i >= 0 {
		if j := bytes.IndexByte(path[i+3:], '/'); j >= 0 {
			path = path[i+3+j:]
		}
	}
	q.path, q.query = plainPath(string(path)), plainText(string(query))
}

package redisstore

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// knownNames are the keys that an export may have, and the types of their values.
var knownNames = regexp.MustCompile(`^(?s:` + strings.Join([]string{
	`(?P<hash>meta|heads|desk|advisories|communities|reports|bearings|feeds|in:(?:body|job|lease)|out:(?:dead|held)|cron|cron:fired|hold|lane:\d+|mark:[0-9a-f]{2}|in:seen:[0-9a-f]{2}|` +
		`out:(?:letter|receipt|card):[0-9a-f]{2}|out:state:.*|(?:incident|revisions|count|count-owner|count-group|proposals|pings|pings-left|scan|scan-runs|scan-ends):.+|` +
		`(?:farm|rev|row|trail):[0-9a-f]{2}:.+|(?:history|pace)-\d+:.+)`,
	`(?P<zset>incidents|hours|in:queue|in:leased|out:places|out:all|out:queue:.*|index:.+|index-(?:owner|group):[^:]+:.+|` +
		`names-(?:server|farm|owner|group):.+|ends-(?:risk|claim):.+|farms-\d+:.+|due:.+|due-\d+:.+|history:.+|scan-order:.+)`,
	`(?P<set>old:.+)`,
	`(?P<list>audit:\d+)`,
	`(?P<string>audit:seq|in:n|out:n)`,
}, "|") + `)$`)

// typeOf is the type that a key of this name has; "" if the store has none of this name.
func typeOf(name string) string {
	m := knownNames.FindStringSubmatch(name)
	for i, group := range knownNames.SubexpNames() {
		if i < len(m) && group != "" && m[i] != "" {
			return group
		}
	}
	return ""
}

// validate reads a whole export and says what is wrong with it.
func validate(r io.Reader) error {
	in := bufio.NewReader(r)
	h := sha256.New()
	n, last, schema := 0, "", ""
	for {
		raw, err := in.ReadBytes('\n')
		if err != nil {
			return errors.New("it ends without its last line: it was cut off")
		}
		var t trailer
		if bytes.HasPrefix(raw, []byte(`{"keys":`)) && json.Unmarshal(raw, &t) == nil {
			if t.Keys != n || t.SHA256 != hex.EncodeToString(h.Sum(nil)) {
				return errors.New("its hash does not fit: it was changed or damaged")
			}
			break
		}
		v, err := parseLine(raw)
		switch {
		case err != nil:
			return fmt.Errorf("line %d: %w", n+1, err)
		case v.key <= last && n > 0:
			return fmt.Errorf("line %d: key %q is not in order", n+1, v.key)
		}
		if v.key == "meta" {
			schema = v.hash["schema"]
		}
		_, _ = h.Write(raw)
		n, last = n+1, v.key
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind its last line")
	}
	return checkSchema(schema)
}

func parseLine(raw []byte) (value, error) {
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return value{}, fmt.Errorf("it is no line of an export: %w", err)
	}
	if l.T == "" || typeOf(l.K) != l.T {
		return value{}, fmt.Errorf("the store has no %.20q called %.80q", l.T, l.K)
	}
	v := value{held: held{l.K, l.T}}
	var err error
	switch l.T {
	case typeHash:
		err = json.Unmarshal(l.V, &v.hash)
	case typeZset:
		err = json.Unmarshal(l.V, &v.zset)
	case typeString:
		v.list = make([]string, 1)
		err = json.Unmarshal(l.V, &v.list[0])
	default:
		err = json.Unmarshal(l.V, &v.list)
	}
	for _, z := range v.zset {
		if _, e := strconv.ParseFloat(z[1], 64); e != nil {
			err = errors.Join(err, e)
		}
	}
	if err == nil && l.B {
		v, err = v.unmapped()
	}
	if err == nil && len(v.hash)+len(v.list)+len(v.zset) == 0 {
		err = errors.New("it is empty")
	}
	if err != nil {
		return value{}, fmt.Errorf("value of %.80q: %w", l.K, err)
	}
	return v, nil
}

// unmapped undoes mapped.
func (v value) unmapped() (value, error) {
	var bad error
	dec := func(s string) string {
		b, err := base64.StdEncoding.DecodeString(s)
		bad = errors.Join(bad, err)
		return string(b)
	}
	out := value{held: v.held, hash: map[string]string{}}
	for f, x := range v.hash {
		out.hash[dec(f)] = dec(x)
	}
	for _, x := range v.list {
		out.list = append(out.list, dec(x))
	}
	for _, z := range v.zset {
		out.zset = append(out.zset, [2]string{dec(z[0]), z[1]})
	}
	return out, bad
}
